import { execFile, spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clipPath } from "../../demo/media/clips.ts";
import { PROJECT_DIR } from "../../demo/push.ts";
import { type ReelsyncStack, startReelsyncStack } from "../../demo/stack.ts";
import { serves, startProvider } from "../agent-sdk/ingest/provider.ts";

const run = promisify(execFile);
const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
let directory: string;
let stack: ReelsyncStack;

beforeAll(async () => {
  // Inside the project, so that the example finds the package it imports.
  await mkdir(join(PROJECT_DIR, ".reelsync"), { recursive: true });
  directory = await mkdtemp(join(PROJECT_DIR, ".reelsync", "readme-"));
  stack = await startReelsyncStack({ dataDir: join(directory, "stack") });
});

afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

test("the README's example runs as it is printed", async () => {
  const readme = await readFile(join(PROJECT_DIR, "README.md"), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(example.split("\n").filter((line) => line.trim() !== "")).toHaveLength(7);

  await writeFile(join(directory, "example.ts"), example);
  await copyFile(clipPath("01-opening", 0), join(directory, "intro.mp4"));
  const { stdout } = await run(process.execPath, ["--import", "tsx", "example.ts"], {
    cwd: directory,
    env: { PATH: process.env["PATH"], ...stack.agentEnv },
  });
  expect(stdout).toMatch(/^t\/\S+\/video-chunk\/[0-9a-f]{16}-intro\.mp4 1 [0-9a-f]{64}\n$/);
});

/** What the SDK's examples take for granted: a program, an agent, a scrape. */
const SURROUNDINGS = `
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { createMetrics, type Reelsync } from "reelsync";

const run = promisify(execFile);

async function renderAndUpload(reelsync: Reelsync) {
  const { sessionId } = await reelsync.createSession({ title: "Reel", project: "demo", sessionKey: "run-1" });
  const entity = { type: "session", id: sessionId } as const;
  await reelsync.uploadWithConvexSync({ file: Buffer.from("notes"), entity, assetType: "transcript" });
}
`;

test.skipIf(!hasFfmpeg)(
  "the examples of the SDK's README run as they are printed, one after the other",
  async () => {
    const provider = await startProvider({
      "/out/clip.mp4": serves(await readFile(clipPath("02-rings", 0))),
    });
    const readme = await readFile(join(PROJECT_DIR, "agent-sdk/README.md"), "utf8");
    const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, example = ""]) => example);
    expect(examples.length).toBeGreaterThan(6);
    const program = [SURROUNDINGS, ...examples, "await reelsync.close();", "process.exit(0);"]
      .join("\n")
      .replace("https://provider.example", provider.origin)
      .replace("listen(9464)", "listen(0)");

    await writeFile(join(directory, "examples.ts"), program);
    for (const name of ["intro.mp4", "part-0.mp4", "part-1.mp4"]) {
      await copyFile(clipPath("01-opening", 0), join(directory, name));
    }
    const { stdout } = await run(process.execPath, ["--import", "tsx", "examples.ts"], {
      cwd: directory,
      env: { PATH: process.env["PATH"], ...stack.agentEnv, REELSYNC_INGEST_ALLOW_HOSTS: provider.host },
    });
    expect(stdout).toMatch(/^1 [0-9a-f]{64} http/);
    expect(stdout).toContain("part-1.mp4 ready");
    expect(stdout).toContain("uploadWithConvexSync");
  },
  // Seven examples, one of which combines videos.
  120_000,
);

test("every script the README names exists", async () => {
  const readme = await readFile(join(PROJECT_DIR, "README.md"), "utf8");
  const manifest = JSON.parse(await readFile(join(PROJECT_DIR, "package.json"), "utf8")) as {
    scripts: object;
  };
  const named = [...readme.matchAll(/npm (?:run )?([a-z][a-z:0-9]*)/g)].map(([, name]) => name ?? "");
  for (const name of named.filter((word) => word !== "ci" && word !== "run")) {
    expect(Object.keys(manifest.scripts)).toContain(name);
  }
});
