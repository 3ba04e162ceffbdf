import { createHash, randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio } from "../support/studio.ts";
import { renderFolder } from "./render-folder.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const versions = async () =>
  (await studio.rows("assets")).map(({ _id, status, version, s3Key }) => [_id, status, version, s3Key]);

test("[G3] a render's folder becomes a session with its scenes and assets; again it sends only what changed", async () => {
  const chunk = randomBytes(40_000);
  const root = await renderFolder({
    "01-intro/chunk-0.mp4": chunk,
    "01-intro/chunk-1.mp4": "second",
    "01-intro/intro.srt": "1",
    "02-outro/outro.mp4": "end",
    "02-outro/notes.txt": "a note",
    "combined.mp4": "whole",
    "02-outro/outro.mp4.part": "half",
    "02-outro/empty.txt": "",
  });
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const { reelsync } = studio.client({ s3: { endpoint: proxy.url } });
  const session = { project: "demo", sessionKey: "sync-1", title: "Rings" };
  const first = await reelsync.syncDir(root, { session });
  expect(first.failed).toEqual([]);
  expect(first.skipped).toEqual([{ relative: "02-outro/empty.txt", reason: "empty" }]);
  expect(first.successful).toHaveLength(6);
  const rows = (await studio.rows("assets")).filter((row) => row["sessionId"] === first.sessionId);
  expect(rows.every((row) => row["status"] === "ready")).toBe(true);
  const stored = rows.find((row) => row["checksum"] === sha256(chunk));
  expect(stored).toMatchObject({ assetType: "video_chunk", chunkIndex: 0, fileName: "chunk-0.mp4" });
  expect(await studio.bucket.sha256(String(stored?.["s3Key"]))).toBe(sha256(chunk));
  const scenes = (await studio.rows("scenes")).filter((row) => row["sessionId"] === first.sessionId);
  expect(scenes.map(({ sceneKey, index, title }) => [sceneKey, index, title]).sort()).toEqual([
    ["01-intro", 1, "Intro"],
    ["02-outro", 2, "Outro"],
  ]);

  proxy.seen.length = 0;
  const before = await versions();
  const again = await reelsync.syncDir(root, { session });
  expect(again.sessionId).toBe(first.sessionId);
  expect(again.successful.map(({ deduped }) => deduped)).toEqual(Array(6).fill(true));
  expect(proxy.seen.filter(({ method }) => method === "PUT")).toEqual([]);
  expect(await versions()).toEqual(before);

  await writeFile(join(root, "01-intro/chunk-1.mp4"), "re-rendered");
  await writeFile(join(root, "02-outro/aaa.txt"), "another note");
  const third = await reelsync.syncDir(root, { sessionId: first.sessionId ?? "" });
  const sent = third.successful.filter(({ deduped }) => deduped !== true);
  expect(
    sent.map(({ relative, assetType, chunkIndex, version }) => [relative, assetType, chunkIndex, version]),
  ).toEqual([
    ["01-intro/chunk-1.mp4", "video_chunk", 1, 2],
    // Behind the note that is there, although its name comes first.
    ["02-outro/aaa.txt", "other", 1, 1],
  ]);
});

test("a dry run says the same and changes nothing", async () => {
  const root = await renderFolder(["intro/a.mp4", "outro/b.mp4"]);
  const { reelsync } = studio.client();
  const before = await studio.snapshot();
  const plan = await reelsync.syncDir(root, { session: { project: "demo" }, dryRun: true });
  expect(plan.files.map(({ relative }) => relative)).toEqual(["intro/a.mp4", "outro/b.mp4"]);
  expect(plan).toMatchObject({ successful: [], failed: [] });
  expect(await studio.snapshot()).toEqual(before);
});

test("one file that fails leaves the others alone", async () => {
  const root = await renderFolder(["s/chunk-0.mp4", "s/chunk-1.mp4", "s/chunk-2.mp4"]);
  const { reelsync } = studio.client();
  const { successful, failed } = await reelsync.syncDir(root, {
    session: { project: "demo", sessionKey: "sync-failing" },
    // Gone between reading the folder and sending it, as a renderer's scratch files are.
    onPlan: () => void rm(join(root, "s/chunk-1.mp4")),
  });
  expect(successful.map(({ relative }) => relative)).toEqual(["s/chunk-0.mp4", "s/chunk-2.mp4"]);
  expect(failed).toMatchObject([{ relative: "s/chunk-1.mp4", error: { code: "FILE_NOT_FOUND" } }]);
});

test("[G7] a session that is not there, a bad project and a missing folder create nothing", async () => {
  const root = await renderFolder(["s/a.mp4"]);
  const { reelsync } = studio.client();
  const before = await studio.snapshot();
  const code = async (dir: string, options: Parameters<typeof reelsync.syncDir>[1]) =>
    reelsync.syncDir(dir, options).then(
      () => "done",
      (error: unknown) => (error as { code?: string }).code,
    );
  expect(await code(root, { sessionId: "nowhere" })).toBe("SESSION_NOT_FOUND");
  expect(await code(root, { session: { project: "No Slug" } })).toBe("INVALID_ARGUMENT");
  expect(await code(root, {} as never)).toBe("INVALID_ARGUMENT");
  expect(await code(join(root, "absent"), { session: { project: "demo" } })).toBe("FILE_NOT_FOUND");
  expect(await studio.snapshot()).toEqual(before);
});

test("[G1] while S3 is down a queueing client keeps the folder's files and sends them later", async () => {
  const root = await renderFolder(["q/chunk-0.mp4", "q/chunk-1.mp4"]);
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
  const retry = { attempts: 1, baseDelayMs: 60_000, maxDelayMs: 60_000 };
  const { reelsync } = studio.queueing({ s3: { endpoint: proxy.url, maxAttempts: 1 }, retry });
  const session = { project: "demo", sessionKey: "sync-queued" };
  const { successful, failed } = await reelsync.syncDir(root, { session });
  expect(failed).toEqual([]);
  expect(successful.map(({ state }) => state)).toEqual(["queued", "queued"]);
  proxy.spoil = () => undefined;
  expect(await reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
  const uploaded = new Set(successful.map(({ sha256: hash }) => hash));
  const rows = (await studio.rows("assets")).filter(({ checksum }) => uploaded.has(String(checksum)));
  expect(rows.map(({ status }) => status)).toEqual(["ready", "ready"]);
});
