import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import { openWorkshop } from "./support/workshop.ts";

vi.setConfig({ testTimeout: 120_000 });

const workshop = openWorkshop();

async function folderOf(names: readonly string[]): Promise<string> {
  const root = await mkdtemp(join(workshop.directory, "render-"));
  for (const name of names) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), `content of ${name}`);
  }
  return root;
}

test("a dry run needs no key and no bucket, and prints scene, type, chunk and path of every file", async () => {
  const root = await folderOf([
    "01-intro/chunk-0.mp4",
    "01-intro/chunk-1.mp4",
    "01-intro/a.srt",
    "combined.mp4",
  ]);
  await writeFile(join(root, "01-intro/empty.txt"), "");
  const run = await workshop.bare(["sync", root, "--project", "demo", "--dry-run"], { env: {} });
  expect(run).toMatchObject({
    code: 0,
    stdout: [
      "01-intro   subtitle        0  planned  25 B  01-intro/a.srt",
      "01-intro   video_chunk     0  planned  31 B  01-intro/chunk-0.mp4",
      "01-intro   video_chunk     1  planned  31 B  01-intro/chunk-1.mp4",
      "(session)  combined_video  0  planned  23 B  combined.mp4",
      "",
    ].join("\n"),
    stderr: "01-intro/empty.txt: skipped, empty\nwould sync 4 files, 110 B, 1 new scene\n",
  });
});

test("[G3] syncing gives a line a file, and again all of them are known", async () => {
  const root = await folderOf(["intro/a.mp4", "outro/b.mp4", "notes.log"]);
  const sync = ["sync", root, "--project", "demo", "--key", "cli-sync", "--ignore", "*.log"];
  const run = await workshop.agent([...sync, "--json"]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.records).toMatchObject([
    { relative: "intro/a.mp4", scene: "intro", assetType: "video_chunk", state: "ready", deduped: false },
    { relative: "outro/b.mp4", scene: "outro", assetType: "video_chunk", state: "ready", deduped: false },
  ]);
  const again = await workshop.agent(sync);
  const sessionId = String(run.records[0]?.["sessionId"]);
  expect(again.stderr).toBe(`session ${sessionId}: 0 sent, 2 known already, 0 failed, 0 skipped\n`);
  expect(again.stdout).toMatch(/^intro {2}video_chunk {2}0 {2}known already {2}22 B {2}intro\/a\.mp4$/m);
  const into = await workshop.agent(["sync", root, "--session", sessionId, "--json"]);
  expect(into.records.filter(({ deduped }) => deduped === false)).toMatchObject([{ relative: "notes.log" }]);
});

test("[G7] without a place, with two, and without a folder it changes nothing", async () => {
  const root = await folderOf(["a.mp4"]);
  const code = async (...words: string[]) => {
    const run = await workshop.agent(["sync", ...words, "--json"]);
    return [run.code, run.error.code];
  };
  expect(await code(root)).toEqual([2, "USAGE"]);
  expect(await code(root, "--project", "demo", "--session", "x")).toEqual([2, "USAGE"]);
  expect(await code(join(root, "absent"), "--project", "demo")).toEqual([3, "FILE_NOT_FOUND"]);
  expect(await code(root, "--session", "nowhere")).toEqual([3, "SESSION_NOT_FOUND"]);
});
