import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished, expect, test } from "vitest";
import type { FolderWatch, Reelsync, WatchedFile, WatchOptions } from "reelsync";
import { MIB } from "../../../contract/limits.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio } from "../support/studio.ts";
import { renderFolder } from "./render-folder.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

/** So long that in a test only what is finished at once is sent before the watch is closed. */
const NEVER_MS = 600_000;

let sessions = 0;

/** A watch that is closed with the test, and the files it has told of. */
async function watchIn(reelsync: Reelsync, root: string, options: Partial<WatchOptions> = {}) {
  const told: WatchedFile[] = [];
  const waiting = new Set<() => void>();
  const watching: FolderWatch = await reelsync.watch(root, {
    session: { project: "demo", sessionKey: `watch-${(sessions += 1)}` },
    settleMs: 200,
    ...options,
    onFile(file) {
      told.push(file);
      for (const look of [...waiting]) look();
    },
  } as WatchOptions);
  onTestFinished(() => watching.close().then(() => undefined));
  /** Resolves with what was told of the file, once it was told. */
  const file = (relative: string, type: WatchedFile["type"] = "sent") =>
    new Promise<WatchedFile>((resolve) => {
      const look = () => {
        const found = told.find((one) => one.relative === relative && one.type === type);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { watching, told, file };
}

/** A process that writes the file in pieces, as a renderer does. */
async function render(path: string, pieces: number, pauseMs: number): Promise<void> {
  const script = `
    const { openSync, writeSync, closeSync } = require("node:fs");
    const [path, pieces, pause] = process.argv.slice(1);
    const file = openSync(path, "w");
    let piece = 0;
    const timer = setInterval(() => {
      writeSync(file, Buffer.alloc(10000, piece));
      if (++piece < Number(pieces)) return;
      clearInterval(timer);
      closeSync(file);
    }, Number(pause));`;
  const child = spawn(process.execPath, ["-e", script, path, String(pieces), String(pauseMs)]);
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(0);
}

const rendered = (pieces: number) =>
  Buffer.concat(Array.from({ length: pieces }, (_, piece) => Buffer.alloc(10_000, piece)));

test("[G1] a file that is written in pieces is sent once, whole, when its writer has finished with it", async () => {
  const root = await renderFolder([]);
  await mkdir(join(root, "intro"));
  const { reelsync } = studio.client();
  const { file, watching, told } = await watchIn(reelsync, root, { settleMs: 1_500 });
  await render(join(root, "intro", "chunk-0.mp4"), 60, 50);
  expect(await file("intro/chunk-0.mp4")).toMatchObject({
    type: "sent",
    scene: "intro",
    assetType: "video_chunk",
    version: 1,
    sha256: sha256(rendered(60)),
  });
  expect(await watching.close()).toMatchObject({ sent: 1, failed: 0, unfinished: [] });
  expect(told).toHaveLength(1);
});

test("a file that is renamed into place is sent at once; half-written and hidden ones never", async () => {
  const root = await renderFolder([]);
  const { reelsync } = studio.client();
  const { file, watching, told } = await watchIn(reelsync, root, { settleMs: NEVER_MS });
  await mkdir(join(root, "partial_movie_files", "Intro"), { recursive: true });
  await writeFile(join(root, "partial_movie_files", "Intro", "0001.mp4"), "a piece");
  await writeFile(join(root, ".hidden.mp4"), "hidden");
  await render(join(root, "Intro.mp4.part"), 3, 20);
  await rename(join(root, "Intro.mp4.part"), join(root, "Intro.mp4"));
  expect(await file("Intro.mp4")).toMatchObject({ scene: "Intro", sha256: sha256(rendered(3)) });
  await writeFile(join(root, "late.mp4"), "nobody knows whether this is all");
  // Seen before it is closed, because renames are seen in order.
  await writeFile(join(root, "end.tmp"), "end");
  await rename(join(root, "end.tmp"), join(root, "end.mp4"));
  await file("end.mp4");
  expect(await watching.close()).toMatchObject({ sent: 2, unfinished: ["late.mp4"] });
  expect(told.map(({ relative }) => relative)).toEqual(["Intro.mp4", "end.mp4"]);
});

test("[G3] a watch that is started again sends no byte twice, and takes in what came and what changed meanwhile", async () => {
  const root = await renderFolder({ "s/chunk-0.mp4": "first", "s/chunk-1.mp4": randomBytes(MIB) });
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const { reelsync } = studio.client({ s3: { endpoint: proxy.url } });
  const session = { project: "demo", sessionKey: "watch-again" };
  const first = await watchIn(reelsync, root, { session });
  await Promise.all([first.file("s/chunk-0.mp4"), first.file("s/chunk-1.mp4")]);
  await first.watching.close();

  await writeFile(join(root, "s/chunk-0.mp4"), "first, better");
  await writeFile(join(root, "s/chunk-2.mp4"), "third");
  proxy.seen.length = 0;
  const second = await watchIn(reelsync, root, { session });
  const files = ["s/chunk-0.mp4", "s/chunk-1.mp4", "s/chunk-2.mp4"];
  const told = await Promise.all(files.map((relative) => second.file(relative)));
  expect(told).toMatchObject([
    { deduped: false, version: 2, chunkIndex: 0 },
    { deduped: true, version: 1, chunkIndex: 1 },
    { deduped: false, version: 1, chunkIndex: 2 },
  ]);
  expect(proxy.seen.filter(({ method }) => method === "PUT")).toHaveLength(2);
});

test("[G4] what is written to again becomes the next version, however quickly it follows", async () => {
  const root = await renderFolder([]);
  await mkdir(join(root, "s"));
  const { reelsync } = studio.client();
  const { file, watching, told } = await watchIn(reelsync, root);
  const path = join(root, "s", "a.mp4");
  await writeFile(path, "one");
  await file("s/a.mp4");
  await appendFile(path, " and two");
  await writeFile(join(root, "s", "b.mp4"), "behind it");
  await file("s/b.mp4");
  await watching.close();
  const rows = (await studio.rows("assets")).filter((row) => row["checksum"] === sha256("one and two"));
  expect(rows).toMatchObject([{ status: "ready", version: 2 }]);
  expect(told.filter(({ type }) => type === "failed")).toEqual([]);
});

test("a file beside its scene's video waits for it, and is the session's when none comes", async () => {
  const root = await renderFolder([]);
  const { reelsync } = studio.client();
  const { file, watching, told } = await watchIn(reelsync, root);
  await writeFile(join(root, "Intro.srt"), "1");
  await writeFile(join(root, "notes.txt"), "of nobody");
  await writeFile(join(root, "combined.mp4"), "whole");
  await file("combined.mp4");
  await writeFile(join(root, "Intro.mp4"), "film");
  expect(await file("Intro.srt")).toMatchObject({ scene: "Intro", assetType: "subtitle" });
  expect(told.some(({ relative }) => relative === "notes.txt")).toBe(false);
  expect(await watching.close()).toMatchObject({ sent: 4, unfinished: [] });
  expect(told.at(-1)).toMatchObject({ relative: "notes.txt", assetType: "other" });
  expect(told.at(-1)).not.toHaveProperty("scene");
});

test("with S3_UPLOAD_ON_WRITE=false nothing is sent before the end, and everything then", async () => {
  const root = await renderFolder(["s/a.mp4", "s/b.mp4"]);
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const env = { ...studio.stack.agentEnv, S3_UPLOAD_ON_WRITE: "false" };
  const { reelsync } = studio.client({ env, s3: { endpoint: proxy.url } });
  const collecting = await watchIn(reelsync, root, { settleMs: 50 });
  // Another watch of the same folder has seen both as finished, so this one has too.
  const other = await watchIn(studio.client().reelsync, root, { settleMs: 1_000 });
  await Promise.all([other.file("s/a.mp4"), other.file("s/b.mp4")]);
  expect(collecting.told).toEqual([]);
  expect(proxy.seen.filter(({ method }) => method === "PUT")).toEqual([]);
  expect(await collecting.watching.close()).toMatchObject({ sent: 2, unfinished: [] });
});

test("[G1] while S3 is down files are queued, and none is lost", async () => {
  const root = await renderFolder([]);
  await mkdir(join(root, "s"));
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
  const retry = { attempts: 1, baseDelayMs: 60_000, maxDelayMs: 60_000 };
  const { reelsync } = studio.queueing({ s3: { endpoint: proxy.url, maxAttempts: 1 }, retry });
  const { file, watching } = await watchIn(reelsync, root);
  await writeFile(join(root, "s", "a.mp4"), "film");
  expect(await file("s/a.mp4")).toMatchObject({ state: "queued" });
  await watching.close();
  proxy.spoil = () => undefined;
  expect(await reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
  const rows = (await studio.rows("assets")).filter((row) => row["sessionId"] === watching.sessionId);
  expect(rows).toMatchObject([{ status: "ready", checksum: sha256("film") }]);
});

test("[G7] a folder that is not there and a session that is not there are coded errors", async () => {
  const { reelsync } = studio.client();
  const root = await renderFolder(["a.mp4"]);
  const session = { project: "demo" };
  await expect(reelsync.watch(join(root, "absent"), { session })).rejects.toMatchObject({
    code: "FILE_NOT_FOUND",
  });
  await expect(reelsync.watch(root, { sessionId: "nowhere" })).rejects.toMatchObject({
    code: "SESSION_NOT_FOUND",
  });
});
