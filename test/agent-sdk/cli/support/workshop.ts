/** The stack of one test file with everything the program needs: an agent's environment, people's tokens, files. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { startReelsyncStack, type ReelsyncStack } from "../../../../demo/stack.ts";
import { cliCommand } from "./built-cli.ts";
import { runCli, runProgram, type Run, type RunOptions } from "./run-cli.ts";

export interface Workshop {
  readonly stack: ReelsyncStack;
  /** Of the agent; letters of its own folder. */
  readonly agentEnv: Record<string, string>;
  readonly directory: string;
  personEnv: (subject: "ada" | "edgar" | "vera" | "noor") => Promise<Record<string, string>>;
  /** Runs as the agent. */
  agent: (args: readonly string[], options?: RunOptions) => Promise<Run>;
  /** Runs as the tenant's owner, with nothing but a token. */
  owner: (args: readonly string[], options?: RunOptions) => Promise<Run>;
  /** Runs with this environment only. */
  bare: (args: readonly string[], options: RunOptions) => Promise<Run>;
  /** Runs a script in bash, where `reelsync` is the program and the environment is the agent's. */
  shell: (script: string, options?: RunOptions) => Promise<Run>;
  /** The same in a terminal: what the script prints to stdout and stderr comes back mixed, as a person sees it. */
  terminal: (script: string, options?: RunOptions) => Promise<Run>;
  rows: (table: string) => Promise<Record<string, unknown>[]>;
  /** A fresh session with one scene. */
  scene: () => Promise<{ sessionId: string; sceneId: string }>;
  file: (name: string, bytes: Uint8Array | string) => Promise<string>;
}

export function openWorkshop(): Workshop {
  let directory: string;
  let stack: ReelsyncStack;
  let count = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "reelsync-cli-"));
    await mkdir(join(directory, "bin"));
    const command = (await cliCommand()).map((word) => `"${word}"`).join(" ");
    const program = `#!/bin/sh\nexec ${command} "$@"\n`;
    await writeFile(join(directory, "bin", "reelsync"), program, { mode: 0o755 });
    stack = await startReelsyncStack({
      dataDir: join(directory, "stack"),
      ports: { cloud: 0, site: 0, s3: 0, issuer: 0 },
    });
  }, 120_000);
  afterAll(async () => {
    await stack.close();
    await rm(directory, { recursive: true, force: true });
  });

  const inShell = (env: Record<string, string> = {}) => ({
    ...workshop.agentEnv,
    PATH: `${join(directory, "bin")}:${process.env["PATH"] ?? ""}`,
    ...env,
  });

  const workshop: Workshop = {
    get stack() {
      return stack;
    },
    get directory() {
      return directory;
    },
    get agentEnv() {
      return { ...stack.agentEnv, REELSYNC_DEAD_LETTER_DIR: join(directory, "letters") };
    },
    async personEnv(subject) {
      const { CONVEX_URL = "" } = stack.agentEnv;
      return { CONVEX_URL, REELSYNC_TOKEN: await stack.tokenFor(subject) };
    },
    agent: (args, options) =>
      runCli(args, { cwd: directory, ...options, env: { ...workshop.agentEnv, ...options?.env } }),
    owner: async (args, options) =>
      runCli(args, {
        cwd: directory,
        ...options,
        env: { ...(await workshop.personEnv("ada")), ...options?.env },
      }),
    bare: (args, options) => runCli(args, { cwd: directory, ...options }),
    shell: (script, options) =>
      runProgram("bash", ["-c", script], { cwd: directory, ...options, env: inShell(options?.env) }),
    terminal: (script, options) =>
      // `script` is what a distribution has at hand to give a program a terminal.
      runProgram("script", ["-qec", `stty cols 120; ${script}`, "/dev/null"], {
        cwd: directory,
        ...options,
        env: { TERM: "xterm", SHELL: "/bin/bash", ...inShell(options?.env) },
      }),
    async rows(table) {
      const answer = (await stack.runAsOperator("_system/cli/tableData:default", {
        table,
        order: "asc",
        paginationOpts: { cursor: null, numItems: 1000 },
      })) as { page: Record<string, unknown>[] };
      return answer.page;
    },
    async scene() {
      const run = (path: string, args: Record<string, unknown>) => asOwner(workshop, path, args);
      const session = await run("sessions:create", {
        title: "Reel",
        project: "demo",
        sessionKey: `workshop-${++count}`,
      });
      const { sessionId } = session as { sessionId: string };
      const scene = await run("scenes:upsert", { sessionId, sceneKey: "intro", index: 0, title: "Intro" });
      return { sessionId, sceneId: (scene as { sceneId: string }).sceneId };
    },
    async file(name, bytes) {
      const path = join(await mkdtemp(join(directory, "file-")), name);
      await writeFile(path, bytes);
      return path;
    },
  };
  return workshop;
}

/** A mutation by a person, over plain HTTP: what a test needs beforehand does not go through the program under test. */
async function asOwner(workshop: Workshop, path: string, args: Record<string, unknown>): Promise<unknown> {
  const { CONVEX_URL = "", REELSYNC_TOKEN = "" } = await workshop.personEnv("ada");
  const response = await fetch(`${CONVEX_URL}/api/mutation`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${REELSYNC_TOKEN}` },
    body: JSON.stringify({ path, args, format: "json" }),
  });
  const answer = (await response.json()) as { status: string; value?: unknown; errorMessage?: string };
  if (answer.status !== "success") throw new Error(`${path}: ${answer.errorMessage ?? response.status}`);
  return answer.value;
}
