import { createHash, randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { describe, expect, test, vi } from "vitest";
import type { ReelsyncOptions } from "reelsync";
import { api } from "../../../convex/_generated/api.js";
import type { Timeline } from "../../../contract/playback.ts";
import { MIB } from "../../../contract/limits.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { startStudio } from "../support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const local = (options: ReelsyncOptions = {}) => studio.client({ storageType: "LOCAL", ...options });

async function viewer(subject: "vera" | "noor" = "vera") {
  const convex = new ConvexHttpClient(studio.stack.local.deployment.url, { logger: false });
  convex.setAuth(await studio.stack.tokenFor(subject));
  return convex;
}

async function rowOf(assetId: string | undefined) {
  return (await studio.rows("assets")).find(({ _id }) => _id === assetId);
}

describe("a client with STORAGE_TYPE=LOCAL", () => {
  test("[G2] uploads, is seen in the timeline, and is played byte-exactly by ranges", async () => {
    const { reelsync } = local();
    const { sessionId, sceneId } = await studio.scene(reelsync);
    const bytes = randomBytes(3 * MIB + 7);
    const result = await reelsync.uploadWithConvexSync({
      file: await studio.file("intro.mp4", bytes),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
    });
    expect(result).toMatchObject({ state: "ready", version: 1, sha256: sha256(bytes) });
    expect((await readFile(join(studio.stack.storageDir, result.s3Key))).equals(bytes)).toBe(true);
    expect(await studio.bucket.keys()).not.toContain(result.s3Key);
    expect(await rowOf(result.assetId)).toMatchObject({
      status: "ready",
      storageBackend: "local",
      bucket: "local",
      s3Url: `local:///${result.s3Key}`,
    });

    const convex = await viewer();
    const timeline = (await convex.query(api.playback.timeline, { sessionId })) as Timeline;
    const assetId = timeline.scenes[0]?.chunks[0]?.assetId ?? "";
    expect(assetId).toBe(result.assetId);
    const [signed] = await convex.action(api.playback.urls, { assetIds: [assetId] });
    expect(signed?.expiresAt).toBeGreaterThan(Date.now());
    expect(signed?.url).toBe(result.url);

    const played: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += MIB) {
      const response = await fetch(signed?.url ?? "", { headers: { Range: `bytes=${at}-${at + MIB - 1}` } });
      expect(response.status).toBe(206);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.get("content-type")).toBe("video/mp4");
      played.push(Buffer.from(await response.arrayBuffer()));
    }
    expect(Buffer.concat(played).equals(bytes)).toBe(true);
  });

  test("[G6] hands out nothing for a wrong or expired signature, another key, or another's member", async () => {
    const { reelsync } = local();
    const { sceneId } = await studio.scene(reelsync);
    const place = { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
    const one = await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(1000) });
    const other = await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(1000), chunkIndex: 1 });
    const url = new URL(one.url);
    const changed = (change: (url: URL) => void) => {
      const copy = new URL(url);
      change(copy);
      return copy;
    };
    const tries = [
      changed((it) => it.searchParams.set("signature", "0".repeat(64))),
      changed((it) => it.searchParams.delete("signature")),
      changed((it) => it.searchParams.set("expires", "9999999999")),
      changed((it) => it.searchParams.set("download", "x.html")),
      changed((it) => (it.pathname = new URL(other.url).pathname)),
      changed((it) => (it.pathname = `${it.pathname}/../${it.pathname}`)),
      changed((it) => (it.pathname = "/.reelsync/facts")),
    ];
    const short = await reelsync.storage.getPresignedUrl("GET", one.s3Key, { expiresInSeconds: 1 });
    expect((await fetch(short.url)).status).toBe(200);
    const refused = async (attempt: URL) => {
      const response = await fetch(attempt);
      expect(response.status).toBe(403);
      expect(await response.text()).toBe('{"code":"FORBIDDEN"}');
    };
    for (const attempt of tries) await refused(attempt);
    vi.useFakeTimers({ toFake: ["Date"], now: short.expiresAt ?? 0 });
    await refused(new URL(short.url)).finally(() => vi.useRealTimers());
    const outsider = await viewer("noor");
    expect(await outsider.action(api.playback.urls, { assetIds: [one.assetId] })).toEqual([]);
  });

  test("[G3] of the same content is one asset, wherever the bytes are kept already", async () => {
    const { reelsync: inBucket } = studio.client();
    const { reelsync: inFolder } = local();
    const { sceneId } = await studio.scene(inBucket);
    const bytes = randomBytes(5000);
    const request = {
      file: bytes,
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
    } as const;
    const first = await inBucket.uploadWithConvexSync(request);
    const second = await inFolder.uploadWithConvexSync(request);
    expect(second).toMatchObject({ assetId: first.assetId, deduped: true, s3Key: first.s3Key });
    const response = await fetch(second.url);
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(bytes));
    expect(await rowOf(first.assetId)).toMatchObject({ storageBackend: "s3" });
    await expect(stat(join(studio.stack.storageDir, first.s3Key))).rejects.toThrow("ENOENT");
  });

  test("both kinds are signed in one call, each for its own storage", async () => {
    const { reelsync: inBucket } = studio.client();
    const { reelsync: inFolder } = local();
    const { sceneId } = await studio.scene(inBucket);
    const place = { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
    const files = [randomBytes(1000), randomBytes(1000)] as const;
    const there = await inBucket.uploadWithConvexSync({ ...place, file: files[0] });
    const here = await inFolder.uploadWithConvexSync({ ...place, file: files[1], chunkIndex: 1 });
    const convex = await viewer();
    const signed = await convex.action(api.playback.urls, { assetIds: [there.assetId, here.assetId] });
    for (const [index, { url }] of signed.entries()) {
      const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
      expect(sha256(bytes)).toBe(sha256(files[index] ?? Buffer.alloc(0)));
    }
  });

  test("[G7] stops at its limit before anything is stored, and the record says why", async () => {
    const dir = await tempDir();
    const { reelsync } = local({ local: { dir, maxBytes: 1500 } });
    const { sceneId } = await studio.scene(reelsync);
    const place = { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
    await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(1000) });
    await expect(
      reelsync.uploadWithConvexSync({ ...place, file: randomBytes(1000), chunkIndex: 1 }),
    ).rejects.toMatchObject({ code: "STORAGE_QUOTA_EXCEEDED", usedBytes: 1000, maxBytes: 1500 });
    const rows = (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);
    expect(rows.map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ["ready", undefined],
      ["error", "STORAGE_QUOTA_EXCEEDED"],
    ]);
  });

  test("[G3] an upload begun for the bucket is finished in the folder, as the same version", async () => {
    const { reelsync: inBucket, journalDir } = studio.queueing({
      s3: { endpoint: "http://127.0.0.1:1", maxAttempts: 1 },
      retry: { attempts: 1 },
    });
    const { sceneId } = await studio.scene(inBucket);
    const request = {
      file: randomBytes(2000),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
    } as const;
    const queued = await inBucket.uploadWithConvexSync(request);
    expect(queued.state).toBe("queued");
    await inBucket.close();
    const { reelsync: inFolder } = studio.queueing({ storageType: "LOCAL", journalDir });
    expect(await inFolder.drain()).toMatchObject({ sent: 1, waiting: 0 });
    const rows = (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);
    expect(rows).toMatchObject([{ status: "ready", version: 1, storageBackend: "local" }]);
  });
});

test("[G7] a deployment that nothing was told of a folder takes nothing into one", async () => {
  const kept = studio.stack.agentEnv["STORAGE_LOCAL_SIGNING_KEY"] ?? "";
  await studio.stack.setEnv({ STORAGE_LOCAL_SIGNING_KEY: null });
  try {
    const { reelsync } = local();
    const { sceneId } = await studio.scene(reelsync);
    await expect(
      reelsync.uploadWithConvexSync({
        file: randomBytes(100),
        entity: { type: "scene", id: sceneId },
        assetType: "video_chunk",
      }),
    ).rejects.toMatchObject({ code: "STORAGE_UNCONFIGURED" });
    expect((await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId)).toEqual([]);
  } finally {
    await studio.stack.setEnv({ STORAGE_LOCAL_SIGNING_KEY: kept });
  }
});
