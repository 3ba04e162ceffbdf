/** The fixture app on a local stack of its own, pushed by the official CLI. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { type LocalStack, type LocalStackOptions, startLocalStack } from "../../../local/index.ts";

const CLIENT_ID = "fixture";
const PEOPLE = [
  { subject: "ada", name: "Ada Byron", email: "ada@example.com" },
  { subject: "ben", name: "Ben Example", email: "ben@example.com" },
];

export const APP_DIR = path.join(import.meta.dirname, "fixture-app");
const CLI = path.join(
  path.dirname(createRequire(import.meta.url).resolve("convex/package.json")),
  "bin",
  "main.js",
);

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

type Target = Pick<LocalStack["deployment"], "url" | "adminKey">;

function spawnCli(target: Target, args: string[], cwd = APP_DIR) {
  return spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: tmpdir(),
      // Without it a refused push waits for an error report that cannot leave this machine.
      CI: "1",
      CONVEX_SELF_HOSTED_URL: target.url,
      CONVEX_SELF_HOSTED_ADMIN_KEY: target.adminKey,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs the unmodified official CLI on the fixture app. */
export function cli(target: Target, ...args: string[]): Promise<Run> {
  return cliIn(APP_DIR, target, ...args);
}

/** Runs it in the folder of another app. */
export async function cliIn(cwd: string, target: Target, ...args: string[]): Promise<Run> {
  const child = spawnCli(target, args, cwd);
  const run: Run = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (data: Buffer) => (run.stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (run.stderr += data.toString()));
  run.code = await new Promise((resolve) => child.once("close", resolve));
  return run;
}

/** Starts a command that runs until told to stop, such as `logs`; `until` resolves with what it wrote so far. */
export function cliInBackground(target: Target, ...args: string[]) {
  const child = spawnCli(target, args);
  let written = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      written += data.toString();
      for (const listener of listeners) listener();
    });
  }
  return {
    until: (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const check = () => {
          if (pattern.test(written)) resolve(written);
        };
        listeners.add(check);
        child.once("close", () => reject(new Error(`The command ended before ${pattern}: ${written}`)));
        check();
      }),
    stop: () => child.kill("SIGKILL"),
  };
}

export async function push(target: Target): Promise<Run> {
  const run = await cli(target, "deploy", "-y", "--typecheck", "disable", "--codegen", "disable");
  if (run.code !== 0) throw new Error(`The push failed: ${run.stdout}${run.stderr}`);
  return run;
}

export async function setEnv(target: Target, name: string, value: string): Promise<void> {
  const run = await cli(target, "env", "set", name, value);
  if (run.code !== 0) throw new Error(`env set failed: ${run.stdout}${run.stderr}`);
}

export interface Fixture {
  stack: LocalStack;
  dataDir: string;
  close(): Promise<void>;
}

export async function startStack(more: Partial<LocalStackOptions> = {}): Promise<Fixture> {
  const dataDir = more.dataDir ?? (await mkdtemp(path.join(tmpdir(), "local-stack-")));
  const stack = await startLocalStack({
    ports: { cloud: 0, site: 0, s3: 0, issuer: 0 },
    buckets: ["media"],
    clientId: CLIENT_ID,
    people: PEOPLE,
    ...more,
    dataDir,
  });
  return {
    stack,
    dataDir,
    close: async () => {
      await stack.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A stack with the fixture app on it. */
export async function startFixture(more: Partial<LocalStackOptions> = {}): Promise<Fixture> {
  const fixture = await startStack(more);
  try {
    await setEnv(fixture.stack.deployment, "FIXTURE_ISSUER", fixture.stack.issuer.issuer);
    await push(fixture.stack.deployment);
    return fixture;
  } catch (error) {
    await fixture.close();
    throw error;
  }
}
