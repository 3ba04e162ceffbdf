import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { LayoutName } from "../../../contract/key-layouts.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio, type Client } from "../support/studio.ts";

const studio = startStudio();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function put({ reelsync }: Client, keys: readonly string[]) {
  for (const key of keys) await reelsync.storage.save(key, Buffer.from(`content of ${key}`));
}

async function takenIn(client: Client, prefix: string, layout: LayoutName) {
  const result = await client.reelsync.backfill(prefix, { layout, project: "archive", apply: true });
  expect(result.failed).toEqual([]);
  return result;
}

const placed = ({ successful }: Awaited<ReturnType<typeof takenIn>>) =>
  successful
    .map(({ sessionKey, scene, assetType, chunkIndex, key }) =>
      [sessionKey, scene, assetType, chunkIndex, key].join(" "),
    )
    .sort();

test("[G3] a plan changes nothing; applied, every object is recorded byte for byte under its canonical key, once", async () => {
  const client = studio.client();
  const keys = [
    "old/fourier/01-intro/chunk-0.mp4",
    "old/fourier/01-intro/chunk-1.mp4",
    "old/fourier/combined.mp4",
  ];
  await put(client, [...keys, "old/loose.mp4"]);
  const before = await studio.snapshot();
  const plan = await client.reelsync.backfill("old", { layout: "topic", project: "archive" });
  expect(plan.planned.map(({ key }) => key)).toEqual(keys);
  expect(plan.skipped).toEqual([{ relative: "old/loose.mp4", reason: "another layout" }]);
  expect(await studio.snapshot()).toEqual(before);

  const result = await takenIn(client, "old/", "topic");
  expect(placed(result)).toEqual([
    "fourier  combined_video 0 old/fourier/combined.mp4",
    "fourier 01-intro video_chunk 0 old/fourier/01-intro/chunk-0.mp4",
    "fourier 01-intro video_chunk 1 old/fourier/01-intro/chunk-1.mp4",
  ]);
  for (const { key, s3Key, sha256: hash } of result.successful) {
    expect(hash).toBe(sha256(`content of ${key}`));
    expect(await studio.bucket.sha256(s3Key ?? "")).toBe(hash);
    expect(await studio.bucket.sha256(key)).toBe(hash);
  }
  const rows = await studio.rows("assets");
  const again = await takenIn(client, "old", "topic");
  expect(again.successful).toEqual([]);
  expect(again.known.map(({ key }) => key)).toEqual(keys);
  expect(await studio.rows("assets")).toEqual(rows);
});

test("[G3] a run that failed in the middle is gone on with: nothing that was taken in is read again", async () => {
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const client = studio.client({ s3: { endpoint: proxy.url } });
  await put(client, ["broken/topic/s/chunk-0.mp4", "broken/topic/s/chunk-1.mp4"]);
  const isRead = ({ method, target }: { method: string; target: string }) =>
    method === "GET" && target.includes("/broken/topic/s/");
  proxy.spoil = (exchange) =>
    isRead(exchange) && exchange.target.includes("chunk-1") ? { status: 403 } : undefined;
  const options = { layout: "topic", project: "archive", apply: true } as const;
  const first = await client.reelsync.backfill("broken", options);
  expect(first.successful.map(({ key }) => key)).toEqual(["broken/topic/s/chunk-0.mp4"]);
  expect(first.failed).toMatchObject([
    { key: "broken/topic/s/chunk-1.mp4", error: { code: "S3_ACCESS_DENIED" } },
  ]);
  proxy.spoil = () => undefined;
  proxy.seen.length = 0;
  const second = await client.reelsync.backfill("broken", options);
  expect(second.successful.map(({ key }) => key)).toEqual(["broken/topic/s/chunk-1.mp4"]);
  expect(proxy.seen.filter(isRead).map(({ target }) => target.includes("chunk-1"))).toEqual([true]);
});

test("every object is told of while the run lasts; a run that takes too long is ended with a code", async () => {
  const client = studio.client();
  await put(client, ["told/a/s/chunk-0.mp4", "told/b/s/chunk-0.mp4", "told/loose.mp4"]);
  const told: string[] = [];
  const phases = new Set<string>();
  const recorded: Promise<number>[] = [];
  const options = { layout: "topic", project: "archive", apply: true } as const;
  const result = await client.reelsync.backfill("told", {
    ...options,
    onFile(file) {
      told.push(`${file.type} ${"key" in file ? file.key : file.relative}`);
      if (file.type === "planned") {
        const mine = (rows: Record<string, unknown>[]) =>
          rows.filter(({ checksum }) => checksum === sha256("content of told/a/s/chunk-0.mp4")).length;
        recorded.push(studio.rows("assets").then(mine));
      }
    },
    onProgress: (key, { phase }) => phases.add(`${key} ${phase}`),
  });
  expect(told).toEqual([
    "skipped told/loose.mp4",
    "planned told/a/s/chunk-0.mp4",
    "sent told/a/s/chunk-0.mp4",
    "planned told/b/s/chunk-0.mp4",
    "sent told/b/s/chunk-0.mp4",
  ]);
  expect((await Promise.all(recorded))[1]).toBe(1);
  expect([...phases]).toEqual(
    expect.arrayContaining(["told/a/s/chunk-0.mp4 uploading", "told/b/s/chunk-0.mp4 done"]),
  );
  expect(result.successful).toHaveLength(2);
  const late = client.reelsync.backfill("told", { ...options, timeoutMs: 1 });
  await expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
});

test("every older layout finds its sessions, scenes and types", async () => {
  const client = studio.client();
  await put(client, [
    "a/users/user_000123/recordings/take 1.mp4",
    "b/videos/acme/20260102T030405Z-summer-3.mp4",
    "b/videos/acme/20260102T030406Z-summer-4.mp4",
    "c/videos/holiday.mp4",
    "c/transcripts/holiday.json",
    "c/processed/holiday.mp4",
    "c/temp/holiday.mp4",
  ]);
  expect(placed(await takenIn(client, "a", "recordings"))).toEqual([
    "user_000123 take 1 video_chunk 0 a/users/user_000123/recordings/take 1.mp4",
  ]);
  expect(placed(await takenIn(client, "b", "creatives"))).toEqual([
    "acme-summer 3-iteration video_chunk 0 b/videos/acme/20260102T030405Z-summer-3.mp4",
    "acme-summer 4-iteration video_chunk 0 b/videos/acme/20260102T030406Z-summer-4.mp4",
  ]);
  const stages = await takenIn(client, "c", "stages");
  expect(placed(stages)).toEqual([
    "holiday holiday processed 0 c/processed/holiday.mp4",
    "holiday holiday transcript 0 c/transcripts/holiday.json",
    "holiday holiday video_chunk 0 c/videos/holiday.mp4",
  ]);
  expect(stages.skipped).toEqual([{ relative: "c/temp/holiday.mp4", reason: "temporary" }]);

  const renamed = studio.client({ stages: { videos: "clips", temp: "clips/scratch" } });
  await put(renamed, [
    "d/clips/trip.mp4",
    "d/clips/scratch/trip.mp4",
    "d/processed/trip.mp4",
    "d/videos/other.mp4",
  ]);
  const called = await takenIn(renamed, "d", "stages");
  expect(placed(called)).toEqual([
    "trip trip processed 0 d/processed/trip.mp4",
    "trip trip video_chunk 0 d/clips/trip.mp4",
  ]);
  expect(called.skipped).toEqual([
    { relative: "d/clips/scratch/trip.mp4", reason: "temporary" },
    { relative: "d/videos/other.mp4", reason: "another layout" },
  ]);
});
