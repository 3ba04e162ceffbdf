/** What code that uses a client can rely on, asked in the same words of the fake and of the real one. */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { isReelsyncError, type Mode, type Reelsync, type UploadRequest } from "reelsync";
import type { ErrorCode } from "../../../contract/error-code.ts";
import { MIB } from "../../../contract/limits.ts";

export interface Subject {
  client: (mode: Mode) => Promise<Reelsync>;
  /** Stops a service; what comes back starts it again. */
  outage: (dependency: "s3" | "convex") => Promise<() => Promise<void>>;
  /** The bytes of an object, by its key. */
  bytesOf: (s3Key: string) => Promise<Uint8Array>;
}

async function scene(reelsync: Reelsync, sceneKey = "intro") {
  const session = { title: "Reel", project: "demo", sessionKey: randomUUID() };
  const { sessionId } = await reelsync.createSession(session);
  const { sceneId } = await reelsync.upsertScene({ sessionId, sceneKey, index: 0, title: "Intro" });
  return { session, sessionId, sceneId, entity: { type: "scene", id: sceneId } as const };
}

const film = (text: string) => Buffer.from(text);

export function describesClient(subject: () => Subject): void {
  test("natural keys find what is there", async () => {
    const reelsync = await subject().client("strict");
    const { session, sessionId, sceneId } = await scene(reelsync);
    expect(await reelsync.createSession(session)).toEqual({ sessionId, created: false });
    const again = { sessionId, sceneKey: "intro", index: 1, title: "New title" };
    expect(await reelsync.upsertScene(again)).toEqual({ sceneId, created: false });
  });

  test("an ended session takes no new scene, and ends only once", async () => {
    const reelsync = await subject().client("strict");
    const { sessionId, sceneId } = await scene(reelsync);
    await reelsync.endSession({ sessionId });
    await reelsync.endSession({ sessionId, outcome: "failed" });
    const known = { sessionId, sceneKey: "intro", index: 0, title: "Intro" };
    expect(await reelsync.upsertScene(known)).toEqual({ sceneId, created: false });
    expect(await codeOf(reelsync.upsertScene({ ...known, sceneKey: "other" }))).toBe("SESSION_ENDED");
  });

  test("an upload is stored byte for byte, deduplicated when repeated, and a version when it changed", async () => {
    const reelsync = await subject().client("strict");
    const { entity } = await scene(reelsync);
    const request = { entity, assetType: "video_chunk" } as const;
    const first = await published(reelsync, { ...request, file: film("one") });
    expect(first).toMatchObject({ state: "ready", version: 1, deduped: false, attempts: 1, size: 3 });
    expect(Buffer.from(await subject().bytesOf(first.s3Key ?? "")).toString()).toBe("one");
    const second = await published(reelsync, { ...request, file: Readable.from([film("o"), film("ne")]) });
    expect(second).toMatchObject({ assetId: first.assetId, version: 1, deduped: true, sha256: first.sha256 });
    const third = await published(reelsync, { ...request, file: film("two") });
    expect(third).toMatchObject({ state: "ready", version: 2, deduped: false });
    const fourth = await published(reelsync, { ...request, file: film("one") });
    expect(fourth).toMatchObject({ version: 3, deduped: false, s3Key: first.s3Key });
    const other = await published(reelsync, { ...request, file: film("one"), chunkIndex: 1 });
    expect(other).toMatchObject({ version: 1, deduped: false });
    const hidden = await published(reelsync, { ...request, file: film("three"), historyOnly: true });
    expect(hidden).toMatchObject({ state: "superseded", version: 4 });
  });

  test("a large file goes up in parts", async () => {
    const reelsync = await subject().client("strict");
    const { entity } = await scene(reelsync);
    const file = Buffer.alloc(65 * MIB, "film");
    const phases = new Set<string>();
    const onProgress = ({ phase }: { phase: string }) => void phases.add(phase);
    const result = await published(reelsync, { file, entity, assetType: "video_chunk", onProgress });
    expect(result).toMatchObject({ state: "ready", size: file.length });
    expect(Buffer.from(await subject().bytesOf(result.s3Key ?? "")).equals(file)).toBe(true);
    expect([...phases]).toEqual(["uploading", "verifying", "syncing", "done"]);
  });

  test.each<[string, ErrorCode, Partial<UploadRequest>]>([
    ["an empty file", "FILE_EMPTY", { file: Buffer.alloc(0) }],
    ["a missing file", "FILE_NOT_FOUND", { file: "/nowhere/scene.mp4" }],
    ["an unknown scene", "SCENE_NOT_FOUND", { entity: { type: "scene", id: "nowhere" } }],
    ["an asset type that scenes do not hold", "INVALID_ASSET_TYPE", { assetType: "combined_video" }],
    ["a forbidden content type", "CONTENT_TYPE_FORBIDDEN", { contentType: "text/html" }],
  ])("[G7] %s is refused with %s and without a dead letter", async (_what, code, wrong) => {
    const reelsync = await subject().client("strict");
    const { entity } = await scene(reelsync);
    const error = await failureOf(
      reelsync.uploadWithConvexSync({ file: film("x"), entity, assetType: "video_chunk", ...wrong }),
    );
    expect(error.code).toBe(code);
    expect(error.deadLetter).toBeUndefined();
  });

  test("many files: each has its own outcome", async () => {
    const reelsync = await subject().client("strict");
    const { sceneId } = await scene(reelsync);
    const { successful, failed } = await reelsync.syncSceneAssets(sceneId, [
      { file: film("one"), assetType: "video_chunk" },
      { file: Buffer.alloc(0), assetType: "thumbnail" },
      { file: film("text"), assetType: "subtitle" },
    ]);
    expect(successful.map(({ index, state }) => [index, state])).toEqual([
      [0, "ready"],
      [2, "ready"],
    ]);
    expect(failed.map(({ index, error }) => [index, error.code])).toEqual([[1, "FILE_EMPTY"]]);
  });

  test.each(["s3", "convex"] as const)(
    "[G1] an outage of %s queues uploads, and they are sent in order when it is over",
    async (dependency) => {
      const reelsync = await subject().client("queue");
      const { entity } = await scene(reelsync);
      const request = { entity, assetType: "video_chunk" } as const;
      const sent: number[] = [];
      const settled = new Promise<void>((resolve) => {
        reelsync.on((event) => {
          if (event.type === "journal.sent") sent.push(event.version);
          if (sent.length === 2) resolve();
        });
      });
      const end = await subject().outage(dependency);
      for (const text of ["one", "two"]) {
        const result = await reelsync.uploadWithConvexSync({ ...request, file: film(text) });
        expect(result).toMatchObject({ state: "queued", size: 3 });
      }
      await end();
      await reelsync.drain();
      await settled;
      expect(sent).toEqual([1, 2]);
      const third = await published(reelsync, { ...request, file: film("two") });
      expect(third).toMatchObject({ version: 2, deduped: true });
    },
  );

  test("[G1] a strict client parks what it cannot send, and a replay publishes it", async () => {
    const reelsync = await subject().client("strict");
    const { entity } = await scene(reelsync);
    const request = { entity, assetType: "video_chunk" } as const;
    await published(reelsync, { ...request, file: film("one") });
    const end = await subject().outage("s3");
    const error = await failureOf(reelsync.uploadWithConvexSync({ ...request, file: film("two") }));
    expect(error).toMatchObject({ code: "S3_UNAVAILABLE", retryable: true, deadLetter: { delivered: true } });
    await end();
    const id = error.deadLetter?.id ?? "";
    const listed = await reelsync.deadLetters.list();
    expect(listed.find((letter) => letter.id === id)).toMatchObject({ state: "parked", step: "upload" });
    expect(await reelsync.deadLetters.replay(id)).toMatchObject({ uploadId: id, state: "ready", version: 2 });
    const after = await reelsync.deadLetters.list();
    expect(after.find((letter) => letter.id === id)).toMatchObject({ state: "resolved" });
  });

  test("a closed client says so", async () => {
    const reelsync = await subject().client("strict");
    await reelsync.close();
    const session = { title: "Reel", project: "demo", sessionKey: "closed" };
    expect(await codeOf(reelsync.createSession(session))).toBe("INVALID_ARGUMENT");
  });
}

async function published(reelsync: Reelsync, request: UploadRequest) {
  const result = await reelsync.uploadWithConvexSync(request);
  if (result.state === "queued") throw new Error("the upload was queued");
  return result;
}

async function failureOf(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isReelsyncError(error)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error;
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode> {
  return (await failureOf(work)).code;
}
