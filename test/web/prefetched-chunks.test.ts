import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PrefetchedChunks } from "../../web/src/player/prefetched-chunks.ts";
import { SignedUrls } from "../../web/src/player/signed-urls.ts";
import { startMediaServer, type MediaServer } from "./support/media-server.ts";
import { chunk } from "./support/timelines.ts";

let folder: string;
let media: MediaServer;
let urls: SignedUrls;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "reelsync-chunks-"));
  for (const name of ["a", "b", "c"]) await writeFile(path.join(folder, `${name}.mp4`), `chunk ${name}`);
  media = await startMediaServer(folder);
  urls = new SignedUrls(async (ids) =>
    ids.map((assetId) => ({ assetId, url: `${media.url}/${assetId}.mp4`, expiresAt: null, renewAt: null })),
  );
});
afterEach(async () => {
  await media.close();
  await rm(folder, { recursive: true });
});

function changes(chunks: PrefetchedChunks): () => Promise<void> {
  let changed: () => void = () => undefined;
  let next = new Promise<void>((resolve) => (changed = resolve));
  chunks.onChange = () => {
    const done = changed;
    next = new Promise((resolve) => (changed = resolve));
    done();
  };
  return () => next;
}

test("brings chunks in by urgency and opens them from memory", async () => {
  const chunks = new PrefetchedChunks(urls);
  const changed = changes(chunks);
  chunks.want([chunk("b"), chunk("a")]);
  await changed();
  expect([chunks.isLocal("b"), chunks.isLocal("a")]).toEqual([true, false]);
  await changed();
  const opened = await chunks.open(chunk("a"));
  expect(opened.url).toMatch(/^blob:/);
  expect(await (await fetch(opened.url)).text()).toBe("chunk a");
  expect(media.requests).toEqual(["/b.mp4", "/a.mp4"]);
});

test("does not keep a viewer waiting: what is not here yet opens from its URL", async () => {
  const chunks = new PrefetchedChunks(urls);
  expect((await chunks.open(chunk("a"))).url).toBe(`${media.url}/a.mp4`);
});

test("stays within its budget and leaves large chunks to their URL", async () => {
  const chunks = new PrefetchedChunks(urls, { totalBytes: 2000, chunkBytes: 1500 });
  const changed = changes(chunks);
  chunks.want([chunk("a"), chunk("c", { size: 1501 }), chunk("b"), chunk("d")]);
  await changed();
  await changed();
  expect(media.requests).toEqual(["/a.mp4", "/b.mp4"]);
});

test("makes room for what is ahead, but never under a media element that plays from it", async () => {
  const chunks = new PrefetchedChunks(urls, { totalBytes: 1000, chunkBytes: 1000 });
  const changed = changes(chunks);
  chunks.want([chunk("a")]);
  await changed();
  const inUse = await chunks.open(chunk("a"));
  chunks.want([chunk("b")]);
  await changed();
  expect(chunks.isLocal("a")).toBe(true);
  inUse.close();
  chunks.want([chunk("c")]);
  await changed();
  expect([chunks.isLocal("a"), chunks.isLocal("b"), chunks.isLocal("c")]).toEqual([false, false, true]);
});

test("an invalidated chunk is opened afresh", async () => {
  const chunks = new PrefetchedChunks(urls);
  const changed = changes(chunks);
  chunks.want([chunk("a")]);
  await changed();
  chunks.invalidate("a");
  expect((await chunks.open(chunk("a"))).url).toBe(`${media.url}/a.mp4`);
});

test("a chunk that does not come is not asked for in a loop", async () => {
  media.refuse = (path) => (path === "/a.mp4" ? 503 : undefined);
  const chunks = new PrefetchedChunks(urls);
  const changed = changes(chunks);
  chunks.want([chunk("a"), chunk("b")]);
  await changed();
  chunks.want([chunk("a"), chunk("b"), chunk("c")]);
  await changed();
  expect(media.requests).toEqual(["/a.mp4", "/b.mp4", "/c.mp4"]);
});
