/** One id, from the call of whoever renders to the record, whatever happens in between. */
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ReelsyncEvent } from "reelsync";
import { MIB } from "../../contract/limits.ts";
import { tempDir } from "../support/temp-dir.ts";
import { runCli } from "./cli/support/run-cli.ts";
import { openSidecar } from "./serve/support/sidecar.ts";
import { startStudio, type Client } from "./support/studio.ts";

const studio = startStudio();
const ID = "render-7/scene-2#take:3";

async function place(client: Client) {
  const { sceneId } = await studio.scene(client.reelsync);
  return { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
}

type Named = ReelsyncEvent & { correlationId?: string };
const ofUpload = (events: readonly ReelsyncEvent[]): Named[] => events.filter((event) => "uploadId" in event);
const idsIn = (events: readonly ReelsyncEvent[]) =>
  new Set(ofUpload(events).map(({ correlationId }) => correlationId));
const rowOf = async (assetId: unknown) => (await studio.rows("assets")).find(({ _id }) => _id === assetId);

describe("the correlation id of a call", () => {
  test("is on each of its events, on the object and in the record", async () => {
    const client = studio.client();
    const where = await place(client);
    const upload = { ...where, file: randomBytes(5000), correlationId: ID };
    const { assetId, s3Key } = await client.reelsync.uploadWithConvexSync(upload);
    expect(ofUpload(client.events).map(({ type }) => type)).toEqual([
      "upload.started",
      "upload.hashed",
      "upload.begun",
      "upload.stored",
      "upload.finished",
    ]);
    expect(idsIn(client.events)).toEqual(new Set([ID]));
    expect((await studio.bucket.head(s3Key)).Metadata).toMatchObject({ "correlation-id": ID });
    expect(await rowOf(assetId)).toMatchObject({ status: "ready", correlationId: ID });
  });

  test("is on an object that went up in parts, and on the retries of its requests", async () => {
    const client = studio.client({
      s3: { multipartThreshold: 5 * MIB, maxAttempts: 1 },
      retry: { attempts: 50 },
    });
    const where = await place(client);
    const { objectStore } = studio.stack.local;
    const retried = new Promise<void>((resolve) =>
      client.reelsync.on(({ type }) => type === "retry" && resolve()),
    );
    await objectStore.stop();
    const upload = { ...where, file: randomBytes(6 * MIB), correlationId: ID };
    const uploading = client.reelsync.uploadWithConvexSync(upload);
    await retried;
    await objectStore.start();
    const { s3Key } = await uploading;
    expect((await studio.bucket.head(s3Key)).Metadata).toMatchObject({ "correlation-id": ID });
    expect(client.events.filter(({ type }) => type === "retry")).not.toEqual([]);
    expect(idsIn(client.events)).toEqual(new Set([ID]));
  });

  test("is the upload's own id when the caller has none", async () => {
    const client = studio.client();
    const where = await place(client);
    const { uploadId, assetId } = await client.reelsync.uploadWithConvexSync({
      ...where,
      file: randomBytes(10),
    });
    expect(idsIn(client.events)).toEqual(new Set([uploadId]));
    expect(await rowOf(assetId)).toMatchObject({ correlationId: uploadId });
  });

  test("is each upload's own, however many begin in one request", async () => {
    const client = studio.client();
    const where = await place(client);
    const uploads = Array.from({ length: 30 }, (_, chunkIndex) => ({
      ...where,
      chunkIndex,
      file: randomBytes(10),
      correlationId: `chunk-${chunkIndex}`,
    }));
    const { successful } = await client.reelsync.batchSyncAssets(uploads);
    const rows = await studio.rows("assets");
    const recorded = successful.map(
      ({ assetId }) => rows.find(({ _id }) => _id === assetId)?.["correlationId"],
    );
    expect(recorded).toEqual(uploads.map(({ correlationId }) => correlationId));
  });

  test("[G1] goes through the journal to the process that sends the upload", async () => {
    const first = studio.queueing({ s3: { maxAttempts: 1 } });
    const where = await place(first);
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const upload = { ...where, file: randomBytes(5000), correlationId: ID };
    const { state, uploadId } = await first.reelsync.uploadWithConvexSync(upload);
    expect(state).toBe("queued");
    await first.reelsync.close({ graceMs: 0 });
    expect(first.events.map(({ type }) => type)).toContain("upload.queued");
    expect(idsIn(first.events)).toEqual(new Set([ID]));
    const entries = (await readdir(first.journalDir, { recursive: true })).filter((name) =>
      name.endsWith("entry.json"),
    );
    const written = JSON.parse(await readFile(join(first.journalDir, entries[0] ?? ""), "utf8")) as object;
    expect(written).toMatchObject({ intent: { uploadId, correlationId: ID } });

    await objectStore.start();
    const second = studio.queueing({ journalDir: first.journalDir });
    expect(await second.reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
    const types = ofUpload(second.events).map(({ type }) => type);
    expect(types).toContain("journal.recovered");
    expect(types).toContain("journal.sent");
    expect(idsIn(second.events)).toEqual(new Set([ID]));
    const status = await second.reelsync.uploadStatus(uploadId);
    expect(status).toMatchObject({ state: "recorded", asset: { status: "ready", correlationId: ID } });
    const { s3Key } = (status as { asset: { s3Key: string } }).asset;
    expect((await studio.bucket.head(s3Key)).Metadata).toMatchObject({ "correlation-id": ID });
  });

  test("[G1] is on the dead letter, and still there when that is replayed", async () => {
    const client = studio.client({ s3: { maxAttempts: 1 } });
    const where = await place(client);
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const upload = { ...where, file: randomBytes(5000), correlationId: ID };
    await expect(client.reelsync.uploadWithConvexSync(upload)).rejects.toMatchObject({
      code: "S3_UNAVAILABLE",
    });
    await objectStore.start();
    const letters = await client.reelsync.deadLetters.list();
    const letter = letters.find(({ intent }) => intent.entityId === where.entity.id);
    expect(letter).toMatchObject({ state: "parked", intent: { correlationId: ID } });
    const { assetId } = await client.reelsync.deadLetters.replay(letter?.id ?? "");
    const types = ofUpload(client.events).map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining(["upload.failed", "deadLetter.parked", "deadLetter.replayed"]),
    );
    expect(idsIn(client.events)).toEqual(new Set([ID]));
    expect(await rowOf(assetId)).toMatchObject({ status: "ready", correlationId: ID });
  });

  test("comes from the header of a sidecar's caller, or is told to one that has none", async () => {
    const client = studio.queueing();
    const where = await place(client);
    const { ask } = await openSidecar(client.reelsync);
    const file = await studio.file("intro.mp4", randomBytes(100));
    const named = await ask("POST", "/v1/uploads", {
      body: { file, ...where },
      headers: { "x-correlation-id": ID },
    });
    expect(named.headers["x-correlation-id"]).toBe(ID);
    expect(await rowOf(named.body["assetId"])).toMatchObject({ correlationId: ID });
    const made = await ask("POST", "/v1/uploads", { body: { file, ...where, chunkIndex: 1 } });
    expect(await rowOf(made.body["assetId"])).toMatchObject({
      correlationId: made.headers["x-correlation-id"],
    });
    const uploads = [
      { file, ...where, chunkIndex: 2 },
      { file, ...where, chunkIndex: 3, correlationId: "its-own" },
    ];
    const batch = await ask("POST", "/v1/batch", { body: { uploads }, headers: { "x-correlation-id": ID } });
    const [shared, own] = batch.body["successful"] as { assetId: string }[];
    expect(await rowOf(shared?.assetId)).toMatchObject({ correlationId: ID });
    expect(await rowOf(own?.assetId)).toMatchObject({ correlationId: "its-own" });
  });

  test("is given to the command line, and shown by it", async () => {
    const client = studio.client();
    const { sessionId, sceneId } = await studio.scene(client.reelsync);
    const file = await studio.file("intro.mp4", randomBytes(100));
    const env = studio.stack.agentEnv;
    const args = ["upload", file, "--scene", sceneId, "--type", "video_chunk", "--correlation-id", ID];
    expect((await runCli(args, { env, cwd: await tempDir() })).code).toBe(0);
    const { records } = await runCli(["ls", sessionId, "--json"], { env });
    expect(records).toMatchObject([{ entityId: sceneId, correlationId: ID }]);
  });

  test.each(["", "a b", "zeile\n", "é", "x".repeat(129)])(
    "[G7] is refused as %j, and nothing changes",
    async (odd) => {
      const client = studio.client();
      const where = await place(client);
      const before = await studio.snapshot();
      const upload = { ...where, file: randomBytes(10), correlationId: odd };
      await expect(client.reelsync.uploadWithConvexSync(upload)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
      expect(await studio.snapshot()).toEqual(before);
    },
  );
});
