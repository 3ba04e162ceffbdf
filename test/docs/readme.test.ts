import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clipPath } from "../../demo/media/clips.ts";
import { PROJECT_DIR } from "../../demo/push.ts";
import { type ReelsyncStack, startReelsyncStack } from "../../demo/stack.ts";

const run = promisify(execFile);
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
