import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Progress } from "reelsync";
import { MIB } from "../../contract/limits.ts";
import { startFaultProxy } from "./support/fault-proxy.ts";
import { startStudio } from "./support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("an upload", () => {
  test("[G2] is recorded as ready with what is really stored, and can be watched at once", async () => {
    const { reelsync, events } = studio.client();
    const { sessionId, sceneId } = await studio.scene(reelsync);
    const bytes = randomBytes(300_000);
    const result = await reelsync.uploadWithConvexSync({
      file: await studio.file("Scene Ä 1.mp4", bytes),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
      durationMs: 2_000,
      metadata: { take: 1 },
    });
    expect(result).toMatchObject({
      version: 1,
      sha256: sha256(bytes),
      size: bytes.length,
      deduped: false,
      attempts: 1,
      state: "ready",
    });
    expect(result.s3Key).toMatch(/\/video-chunk\/[0-9a-f]{16}-scene-ä-1\.mp4$/);
    expect(await studio.bucket.sha256(result.s3Key)).toBe(sha256(bytes));

    const [row] = (await studio.rows("assets")).filter(({ _id }) => _id === result.assetId);
    const head = await studio.bucket.head(result.s3Key);
    expect(row).toMatchObject({
      status: "ready",
      checksum: sha256(bytes),
      etag: head.ETag?.replaceAll('"', ""),
      contentType: "video/mp4",
      metadata: { take: 1 },
      durationMs: 2_000,
    });
    const [session] = (await studio.rows("sessions")).filter(({ _id }) => _id === sessionId);
    expect(session).toMatchObject({ assetCount: 1, totalAssetSize: bytes.length });

    for (const url of [result.url, (await reelsync.urlFor(result.assetId)).url]) {
      const response = await fetch(url, { headers: { Range: "bytes=0-9" } });
      expect(response.status).toBe(206);
    }
    expect(events.map(({ type }) => type)).toEqual([
      "upload.started",
      "upload.hashed",
      "upload.begun",
      "upload.stored",
      "upload.finished",
    ]);
  });

  test("[G3] of the same content to the same place is one asset, however often it is called", async () => {
    const { reelsync } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const request = {
      file: await studio.file("intro.mp4", randomBytes(50_000)),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
    } as const;
    const together = await Promise.all([1, 2, 3].map(() => reelsync.uploadWithConvexSync(request)));
    const later = await reelsync.uploadWithConvexSync(request);
    expect(new Set([...together, later].map(({ assetId }) => assetId)).size).toBe(1);
    expect(later).toMatchObject({ deduped: true, version: 1, state: "ready" });
    const rows = (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);
    expect(rows).toHaveLength(1);
  });

  test("[G4] of new content is the next version, and the one before becomes history", async () => {
    const { reelsync } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const place = { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
    const first = await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(1000) });
    const second = await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(1000) });
    expect([first.version, second.version]).toEqual([1, 2]);
    const rows = (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);
    expect(rows.map(({ version, status }) => [version, status])).toEqual([
      [1, "superseded"],
      [2, "ready"],
    ]);
  });

  test.each<[string, (bytes: Buffer, path: string) => Buffer | Readable]>([
    ["a buffer", (bytes) => bytes],
    ["a Node stream", (_bytes, path) => createReadStream(path)],
    ["a web stream", (bytes) => new Blob([new Uint8Array(bytes)]).stream() as unknown as Readable],
    ["a generator's chunks", (bytes) => Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])],
  ])("takes %s as well as a path", async (_what, source) => {
    const { reelsync } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const bytes = randomBytes(200_000);
    const result = await reelsync.uploadWithConvexSync({
      file: source(bytes, await studio.file("x.mp4", bytes)),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
    });
    expect(result.sha256).toBe(sha256(bytes));
    expect(await studio.bucket.sha256(result.s3Key)).toBe(sha256(bytes));
  });

  test("of 200 MiB goes up in parts, and says where it is in every phase", async () => {
    const { reelsync } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const bytes = Buffer.alloc(200 * MIB, randomBytes(1 * MIB + 7));
    const seen: Progress[] = [];
    const result = await reelsync.uploadWithConvexSync({
      file: await studio.file("long.mp4", bytes),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
      onProgress: (progress) => seen.push(progress),
    });
    expect(await studio.bucket.sha256(result.s3Key)).toBe(sha256(bytes));
    expect((await studio.bucket.head(result.s3Key)).ETag).toMatch(/-13"$/);
    expect(await studio.bucket.multipartUploads()).toBe(0);

    // Hashed while it is sent, so it has no phase for that.
    const phases = [...new Set(seen.map(({ phase }) => phase))];
    expect(phases).toEqual(["uploading", "verifying", "syncing", "done"]);
    const loaded = seen.filter(({ phase }) => phase === "uploading").map((progress) => progress.loaded);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
    expect(loaded.at(-1)).toBe(bytes.length);
    expect(seen.find(({ phase, loaded }) => phase === "uploading" && loaded > 0)).toMatchObject({
      total: bytes.length,
      attempt: 1,
      bytesPerSecond: expect.any(Number) as number,
      etaMs: expect.any(Number) as number,
    });
  }, 60_000);

  test("runs beside many others without mixing anything up", async () => {
    const { reelsync } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const files = Array.from({ length: 40 }, (_, index) => Buffer.from(`chunk ${index}`));
    const results = await Promise.all(
      files.map((file, chunkIndex) =>
        reelsync.uploadWithConvexSync({
          file,
          entity: { type: "scene", id: sceneId },
          assetType: "video_chunk",
          chunkIndex,
        }),
      ),
    );
    expect(results.map((result) => result.sha256)).toEqual(files.map(sha256));
    expect(new Set(results.map(({ assetId }) => assetId)).size).toBe(40);
  });

  test("costs three requests: begin, PUT, commit", async () => {
    const convex = await startFaultProxy(studio.stack.local.deployment.url);
    const s3 = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    const { reelsync } = studio.client({ convexUrl: convex.url, s3: { endpoint: s3.url } });
    const { sceneId } = await studio.scene(reelsync);
    const place = { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
    await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(10) });

    convex.seen.length = s3.seen.length = 0;
    await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(10) });
    const functions = convex.seen.map(({ body }) => (JSON.parse(body) as { path: string }).path);
    expect(functions).toEqual(["assets:begin", "assets:commit"]);
    expect(s3.seen.map(({ method }) => method)).toEqual(["PUT"]);
  });
});

describe("sessions and scenes", () => {
  test("[G3] are found again by their own keys", async () => {
    const { reelsync } = studio.client();
    const session = { title: "Reel", project: "demo", sessionKey: "same" };
    const first = await reelsync.createSession(session);
    expect(first.created).toBe(true);
    expect(await reelsync.createSession(session)).toEqual({ ...first, created: false });
    const scene = { sessionId: first.sessionId, sceneKey: "a", index: 0, title: "A" };
    const made = await reelsync.upsertScene(scene);
    expect(await reelsync.upsertScene({ ...scene, title: "B" })).toEqual({ ...made, created: false });
    await reelsync.endSession({ sessionId: first.sessionId });
    await reelsync.endSession({ sessionId: first.sessionId });
    const [row] = (await studio.rows("sessions")).filter(({ _id }) => _id === first.sessionId);
    expect(row).toMatchObject({ status: "ended" });
  });
});

test("closing waits for uploads under way, and refuses new ones", async () => {
  const { reelsync } = studio.client();
  const { sceneId } = await studio.scene(reelsync);
  const request = {
    file: randomBytes(1000),
    entity: { type: "scene", id: sceneId },
    assetType: "video_chunk",
  } as const;
  const uploaded = reelsync.uploadWithConvexSync(request);
  await reelsync.close();
  expect(await uploaded).toMatchObject({ state: "ready" });
  await expect(reelsync.uploadWithConvexSync(request)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
