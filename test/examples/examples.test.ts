/** Every example does what its README says, against the local stack. */
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { clipPath } from "../../demo/media/clips.ts";
import { PROJECT_DIR } from "../../demo/push.ts";
import { openWorkshop } from "../agent-sdk/cli/support/workshop.ts";
import { hasFfmpeg, makeFilm } from "../agent-sdk/media/film.ts";

// Each starts the program several times, which is most of what it takes.
vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);
const TSX = createRequire(import.meta.url).resolve("tsx");
const workshop = openWorkshop();
const EXAMPLES = join(PROJECT_DIR, "examples");
const canFilm = hasFfmpeg();
const needs = canFilm ? "" : " (skipped: ffmpeg is not installed)";

async function clips(): Promise<string> {
  const folder = await mkdtemp(join(workshop.directory, "clips-"));
  await copyFile(clipPath("01-opening", 0), join(folder, "opening.mp4"));
  await copyFile(clipPath("02-rings", 0), join(folder, "rings.mp4"));
  return folder;
}

interface SceneRow {
  sceneKey: string;
  status: string;
  chunks: { chunkIndex: number; durationMs?: number }[];
  subtitle?: unknown;
}

/** The session with these facts, and its scenes in order. */
async function session(facts: Record<string, unknown>) {
  const row = (await workshop.rows("sessions")).find((one) =>
    Object.entries(facts).every(([name, value]) => one[name] === value),
  );
  const scenes = (await workshop.rows("scenes")).filter(({ sessionId }) => sessionId === row?.["_id"]);
  scenes.sort((a, b) => Number(a["index"]) - Number(b["index"]));
  return { row, scenes: scenes as unknown as SceneRow[] };
}

test("examples/typescript: files become scenes; a second run sends nothing, one with other files is another", async () => {
  const cwd = await clips();
  const agent = (...files: string[]) =>
    run(process.execPath, ["--import", TSX, join(EXAMPLES, "typescript/agent.ts"), ...files], {
      cwd,
      env: {
        PATH: process.env["PATH"],
        TSX_TSCONFIG_PATH: join(PROJECT_DIR, "tsconfig.json"),
        ...workshop.agentEnv,
      },
    });
  const { stdout } = await agent("opening.mp4", "rings.mp4");
  expect(stdout).toMatch(/^opening ready 1 [0-9a-f]{64}\nrings ready 1 [0-9a-f]{64}\n\S+\n$/);
  expect((await agent("opening.mp4", "rings.mp4")).stdout).toBe(stdout);
  const { row, scenes } = await session({ title: "From TypeScript", assetCount: 2 });
  expect(row).toMatchObject({ status: "ended", assetCount: 2 });
  expect(scenes.map(({ sceneKey, status }) => [sceneKey, status])).toEqual([
    ["opening", "ready"],
    ["rings", "ready"],
  ]);
  // A session that has ended takes no new scene: other files are another run.
  expect((await agent("opening.mp4")).stdout).toMatch(/^opening ready 1 /);
  expect((await session({ title: "From TypeScript", assetCount: 1 })).row).toMatchObject({ status: "ended" });
});

test("examples/shell: files become scenes, and a failure ends the session as failed", async () => {
  const cwd = await clips();
  const script = join(EXAMPLES, "shell/render.sh");
  const done = await workshop.shell(`${script} opening.mp4 rings.mp4`, { cwd });
  expect(done.stdout + done.stderr).toContain("2 of 2 scenes ready");
  expect(done.code).toBe(0);
  expect((await session({ title: "From a shell", assetCount: 2 })).row).toMatchObject({ status: "ended" });
  const other = await workshop.shell(`${script} rings.mp4`, { cwd });
  expect(other.stdout + other.stderr).toContain("1 of 1 scene ready");
  const failed = await workshop.shell(`SESSION_KEY=broken ${script} opening.mp4 no-such.mp4`, { cwd });
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("FILE_NOT_FOUND");
  expect((await session({ sessionKey: "broken" })).row).toMatchObject({ status: "failed", assetCount: 1 });
});

test.runIf(canFilm)(`examples/ffmpeg: segments are uploaded while ffmpeg encodes${needs}`, async () => {
  const cwd = await mkdtemp(join(workshop.directory, "film-"));
  await makeFilm(cwd, "film", { colour: "blue", seconds: 5 });
  const done = await workshop.shell(`TMPDIR=$PWD ${join(EXAMPLES, "ffmpeg/live-segments.sh")} film.mp4 2`, {
    cwd,
  });
  expect(done.stderr).not.toContain("error");
  expect(done.code).toBe(0);
  const { row, scenes } = await session({ sessionKey: "ffmpeg-film" });
  expect(row).toMatchObject({ status: "ended", assetCount: 3 });
  expect(scenes[0]?.chunks.map(({ chunkIndex }) => chunkIndex)).toEqual([0, 1, 2]);
  const lengths = scenes[0]?.chunks.map(({ durationMs = 0 }) => Math.round(durationMs / 500) * 500);
  expect(lengths).toEqual([2000, 2000, 1000]);
  expect((await readdir(cwd)).filter((name) => name.startsWith("tmp."))).toEqual([]);
});

test.runIf(canFilm)(`examples/manim: the README's lines make a reel of Manim's folder${needs}`, async () => {
  const readme = await readFile(join(EXAMPLES, "manim/README.md"), "utf8");
  const lines = /```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const cwd = await mkdtemp(join(workshop.directory, "manim-"));
  const script = ["set -euo pipefail", lines.replaceAll("examples/manim/", `${EXAMPLES}/manim/`)];
  const done = await workshop.shell(script.join("\n"), { cwd });
  expect(done.stderr).not.toContain("error");
  expect(done.code).toBe(0);
  const { scenes } = await session({ sessionKey: "lesson" });
  expect(scenes.map(({ sceneKey, status }) => [sceneKey, status])).toEqual([
    ["Intro", "ready"],
    ["Proof", "ready"],
  ]);
  for (const scene of scenes) expect(scene.subtitle).toBeDefined();
  const assets = await workshop.rows("assets");
  expect(assets.filter(({ s3Key }) => String(s3Key).includes("uncached"))).toEqual([]);
});
