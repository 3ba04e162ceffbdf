import { createHash, randomBytes, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { ReelsyncEvent, ReelsyncOptions } from "reelsync";
import { serves, startProvider } from "../ingest/provider.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio } from "../support/studio.ts";
import { openSidecar, type Answer } from "./support/sidecar.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const codeOf = ({ body }: Answer) => (body["error"] as { code: string }).code;

async function open(options?: ReelsyncOptions) {
  const client = studio.queueing(options);
  const running = await openSidecar(client.reelsync);
  return {
    ...client,
    ...running,
    scene: async () => {
      const session = { title: "Reel", project: "demo", sessionKey: randomUUID() };
      const { sessionId } = (await running.ask("POST", "/v1/sessions", { body: session })).body;
      const scene = { sessionId, sceneKey: "intro", index: 0, title: "Intro" };
      const { sceneId } = (await running.ask("POST", "/v1/scenes", { body: scene })).body;
      const entity = { type: "scene", id: sceneId as string };
      return { sessionId: sessionId as string, entity, assetType: "video_chunk" };
    },
  };
}

const until = (on: (listener: (event: ReelsyncEvent) => void) => unknown, type: ReelsyncEvent["type"]) =>
  new Promise<ReelsyncEvent>((resolve) => on((event) => event.type === type && resolve(event)));

describe("an agent in any language", () => {
  test("makes a session and a scene, uploads a file into it, and ends it", async () => {
    const { ask, scene } = await open();
    const { sessionId, entity, assetType } = await scene();
    const bytes = randomBytes(50_000);
    const file = await studio.file("intro.mp4", bytes);
    const uploaded = await ask("POST", "/v1/uploads", { body: { file, entity, assetType } });
    expect(uploaded).toMatchObject({
      status: 200,
      body: { state: "ready", version: 1, sha256: sha256(bytes), size: 50_000 },
    });
    expect(await studio.bucket.sha256(uploaded.body["s3Key"] as string)).toBe(sha256(bytes));
    const ended = await ask("POST", `/v1/sessions/${sessionId}/end`);
    expect(ended).toMatchObject({ status: 200, body: { sessionId, outcome: "ended" } });
  });

  test("uploads bytes it has no file for, as the body of the request", async () => {
    const { ask, scene } = await open();
    const { entity } = await scene();
    const bytes = Buffer.from("1\n00:00:00,000 --> 00:00:01,000\nHello\n");
    const query = new URLSearchParams({
      entityType: entity.type,
      entityId: entity.id,
      assetType: "subtitle",
      fileName: "intro.srt",
      metadata: '{"seed":42}',
    });
    const { body } = await ask("POST", `/v1/uploads/stream?${query.toString()}`, { bytes });
    expect(body).toMatchObject({ state: "ready", sha256: sha256(bytes), size: bytes.length });
    const [row] = (await studio.rows("assets")).filter(({ _id }) => _id === body["assetId"]);
    expect(row).toMatchObject({
      contentType: "application/x-subrip",
      fileName: "intro.srt",
      metadata: { seed: 42 },
    });
  });

  test("records a version for the history alone, as a file and as a body", async () => {
    const { ask, scene } = await open();
    const { entity, assetType } = await scene();
    const file = await studio.file("intro.mp4", randomBytes(1000));
    const described = { entity, assetType, historyOnly: true };
    const uploaded = await ask("POST", "/v1/uploads", { body: { file, ...described } });
    expect(uploaded).toMatchObject({ status: 200, body: { state: "superseded" } });
    const query = (historyOnly: string) =>
      new URLSearchParams({ entityType: entity.type, entityId: entity.id, assetType, historyOnly });
    const send = (historyOnly: string) =>
      ask("POST", `/v1/uploads/stream?${query(historyOnly).toString()}`, { bytes: randomBytes(1000) });
    expect((await send("true")).body).toMatchObject({ state: "superseded" });
    expect((await send("false")).body).toMatchObject({ state: "ready" });
    expect(codeOf(await send("perhaps"))).toBe("INVALID_ARGUMENT");
  });

  test("has a provider's file taken in by its URL", async () => {
    const bytes = randomBytes(50_000);
    const provider = await startProvider({ "/clip.mp4": serves(bytes) });
    const { ask, scene } = await open({ ingestAllowHosts: [provider.host] });
    const described = await scene();
    const { status, body } = await ask("POST", "/v1/ingest", {
      body: {
        url: `${provider.origin}/clip.mp4`,
        entity: described.entity,
        assetType: described.assetType,
        iteration: 2,
      },
    });
    expect({ status, body }).toMatchObject({ status: 200, body: { state: "ready", sha256: sha256(bytes) } });
    const [row] = (await studio.rows("assets")).filter(({ _id }) => _id === body["assetId"]);
    expect(row).toMatchObject({ metadata: { iteration: 2, originalUrl: `${provider.origin}/clip.mp4` } });
  });

  test("sees progress in lines before the result, when it asks for lines", async () => {
    const { ask, scene } = await open();
    const { entity, assetType } = await scene();
    const file = await studio.file("intro.mp4", randomBytes(300_000));
    const { headers, lines } = await ask("POST", "/v1/uploads", {
      body: { file, entity, assetType },
      headers: { accept: "application/x-ndjson" },
    });
    expect(headers["content-type"]).toBe("application/x-ndjson");
    const phases = lines.slice(0, -1).map(({ progress }) => (progress as { phase: string }).phase);
    expect([...new Set(phases)]).toEqual(["hashing", "uploading", "syncing", "done"]);
    expect(lines.at(-1)).toMatchObject({ result: { state: "ready", size: 300_000 } });
  });

  test("uploads many at once, and hears of each that failed in its place", async () => {
    const { ask, scene } = await open();
    const { entity, assetType } = await scene();
    const good = await studio.file("a.mp4", randomBytes(1000));
    const uploads = [
      { file: good, entity, assetType },
      { file: "/nowhere/b.mp4", entity, assetType, chunkIndex: 1 },
    ];
    const { body } = await ask("POST", "/v1/batch", { body: { uploads } });
    expect(body).toMatchObject({
      successful: [{ index: 0, state: "ready" }],
      failed: [{ index: 1, error: { code: "FILE_NOT_FOUND", retryable: false } }],
    });
  });

  test("finds an asset's URL and where an upload is", async () => {
    const { ask, scene } = await open();
    const { entity, assetType } = await scene();
    const bytes = randomBytes(1000);
    const file = await studio.file("intro.mp4", bytes);
    const { body: asset } = await ask("POST", "/v1/uploads", { body: { file, entity, assetType } });
    const url = (await ask("GET", `/v1/assets/${String(asset["assetId"])}/url`)).body["url"] as string;
    expect(sha256(new Uint8Array(await (await fetch(url)).arrayBuffer()))).toBe(sha256(bytes));
    const status = await ask("GET", `/v1/uploads/${String(asset["uploadId"])}`);
    expect(status.body).toMatchObject({
      state: "recorded",
      asset: { status: "ready", checksum: sha256(bytes) },
    });
    expect(codeOf(await ask("GET", `/v1/uploads/${randomUUID()}`))).toBe("NOT_FOUND");
  });
});

describe("[G1] during an outage", () => {
  test("an upload is answered queued, is shown as that, and is ready after a drain", async () => {
    const { ask, scene } = await open({ s3: { maxAttempts: 1 } });
    const { entity, assetType } = await scene();
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const bytes = randomBytes(20_000);
    const file = await studio.file("intro.mp4", bytes);
    const { status, body } = await ask("POST", "/v1/uploads", { body: { file, entity, assetType } });
    expect({ status, state: body["state"] }).toEqual({ status: 200, state: "queued" });
    const where = `/v1/uploads/${String(body["uploadId"])}`;
    expect((await ask("GET", where)).body).toMatchObject({ state: "queued", code: "S3_UNAVAILABLE" });
    expect((await ask("GET", "/v1/health")).body).toMatchObject({ journal: { waiting: 1 } });

    await objectStore.start();
    expect((await ask("POST", "/v1/drain")).body).toMatchObject({ failed: 0, waiting: 0 });
    const { asset } = (await ask("GET", where)).body as { asset: { status: string; s3Key: string } };
    expect(asset.status).toBe("ready");
    expect(await studio.bucket.sha256(asset.s3Key)).toBe(sha256(bytes));
  });

  test("bytes of a temporary file are taken in: it may go as soon as the answer is there", async () => {
    const { ask, scene } = await open({ s3: { maxAttempts: 1 } });
    const { entity, assetType } = await scene();
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const bytes = randomBytes(20_000);
    const file = await studio.file("intro.mp4", bytes);
    const { body } = await ask("POST", "/v1/uploads", { body: { file, entity, assetType, temporary: true } });
    expect(body["state"]).toBe("queued");
    await rm(file);
    await objectStore.start();
    expect((await ask("POST", "/v1/drain")).body).toMatchObject({ failed: 0, waiting: 0 });
    const { asset } = (await ask("GET", `/v1/uploads/${String(body["uploadId"])}`)).body;
    expect(await studio.bucket.sha256((asset as { s3Key: string }).s3Key)).toBe(sha256(bytes));
  });

  test("[G7] a temporary file that is missing or no file is told as any other is", async () => {
    const { ask, scene } = await open();
    const { entity, assetType } = await scene();
    for (const [file, status, code] of [
      ["/nowhere/intro.mp4", 404, "FILE_NOT_FOUND"],
      ["/", 400, "FILE_IS_DIRECTORY"],
    ] as const) {
      const body = { entity, assetType, file, fileName: "intro.mp4" };
      for (const temporary of [false, true]) {
        const refused = await ask("POST", "/v1/uploads", { body: { ...body, temporary } });
        expect({ status: refused.status, code: codeOf(refused) }).toEqual({ status, code });
      }
    }
  });

  test("a dead letter is listed, and replayed when the cause is gone", async () => {
    const { ask, scene } = await open({ mode: "strict", s3: { maxAttempts: 1 } });
    const { entity, assetType } = await scene();
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const file = await studio.file("intro.mp4", randomBytes(1000));
    const failed = await ask("POST", "/v1/uploads", { body: { file, entity, assetType } });
    await objectStore.start();
    expect({ status: failed.status, code: codeOf(failed) }).toEqual({ status: 503, code: "S3_UNAVAILABLE" });
    const { id } = (failed.body["error"] as { deadLetter: { id: string } }).deadLetter;
    expect((await ask("GET", `/v1/uploads/${id}`)).body).toMatchObject({ state: "dead_letter" });
    const { deadLetters } = (await ask("GET", "/v1/dead-letters")).body;
    expect(deadLetters).toContainEqual(
      expect.objectContaining({ id, state: "parked", code: "S3_UNAVAILABLE" }),
    );
    const replayed = await ask("POST", `/v1/dead-letters/${id}/replay`);
    expect(replayed).toMatchObject({ status: 200, body: { uploadId: id, state: "ready" } });
  });
});

describe("what is under way", () => {
  test("is taken back by its correlation id, and leaves no record and no bytes", async () => {
    const { ask, scene, reelsync, events } = await open({ retry: { attempts: 100 }, mode: "strict" });
    const { entity, assetType } = await scene();
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const file = await studio.file("intro.mp4", randomBytes(1000));
    const begun = until(reelsync.on, "upload.begun");
    const headers = { "x-correlation-id": "render-7" };
    const uploading = ask("POST", "/v1/uploads", { body: { file, entity, assetType }, headers });
    const { uploadId } = (await begun) as { uploadId: string };
    expect((await ask("GET", `/v1/uploads/${uploadId}`)).body).toEqual({ uploadId, state: "uploading" });
    const taken = await ask("POST", "/v1/cancel", { body: { correlationId: "render-7" } });
    expect(taken.body).toEqual({ cancelled: 1 });
    const answer = await uploading;
    await objectStore.start();
    expect(codeOf(answer)).toBe("ABORTED");
    expect(answer.headers["x-correlation-id"]).toBe("render-7");
    expect(events.some(({ type }) => type === "upload.finished")).toBe(false);
    const rows = (await studio.rows("assets")).filter(({ entityId }) => entityId === entity.id);
    expect(rows).toMatchObject([{ status: "error" }]);
  });

  test("[G1] a replay that is taken back ends, and its letter is kept for the next", async () => {
    const { ask, scene } = await open({ mode: "strict", s3: { maxAttempts: 1 } });
    const { entity, assetType } = await scene();
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const bytes = randomBytes(1000);
    const file = await studio.file("intro.mp4", bytes);
    const failed = await ask("POST", "/v1/uploads", { body: { file, entity, assetType } });
    const { id } = (failed.body["error"] as { deadLetter: { id: string } }).deadLetter;

    const patient = await open({ mode: "strict", retry: { attempts: 100 } });
    const begun = until(patient.reelsync.on, "upload.begun");
    const headers = { "x-correlation-id": "replay-7" };
    const replaying = patient.ask("POST", `/v1/dead-letters/${id}/replay`, { headers });
    await begun;
    const taken = await patient.ask("POST", "/v1/cancel", { body: { correlationId: "replay-7" } });
    expect(taken.body).toEqual({ cancelled: 1 });
    expect(codeOf(await replaying)).toBe("ABORTED");

    await objectStore.start();
    const replayed = await patient.ask("POST", `/v1/dead-letters/${id}/replay`);
    expect(replayed).toMatchObject({
      status: 200,
      body: { uploadId: id, state: "ready", sha256: sha256(bytes) },
    });
  });

  test("[G1] a drain that is taken back answers at once, and what waits is sent all the same", async () => {
    const store = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    const s3 = { endpoint: store.url, maxAttempts: 1 };
    const { ask, scene, reelsync } = await open({ s3, retry: { attempts: 1 } });
    const { entity, assetType } = await scene();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    store.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
    const file = await studio.file("intro.mp4", randomBytes(1000));
    const queued = (await ask("POST", "/v1/uploads", { body: { file, entity, assetType } })).body;
    expect(queued["state"]).toBe("queued");
    store.spoil = ({ method }) => (method === "PUT" ? () => held : undefined);

    const sent = until(reelsync.on, "journal.sent");
    const draining = ask("POST", "/v1/drain", { headers: { "x-correlation-id": "drain-7" } });
    const takeBack = () => ask("POST", "/v1/cancel", { body: { correlationId: "drain-7" } });
    while ((await takeBack()).body["cancelled"] === 0);
    expect(codeOf(await draining)).toBe("ABORTED");
    release();
    await sent;
    expect((await ask("GET", `/v1/uploads/${String(queued["uploadId"])}`)).body).toMatchObject({
      state: "recorded",
      asset: { status: "ready" },
    });
  });

  test("[G1] is queued when the sidecar stops and its time is over", async () => {
    const { ask, scene, sidecar, reelsync, journalDir } = await open({ retry: { attempts: 100 } });
    const { entity, assetType } = await scene();
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const bytes = randomBytes(1000);
    const file = await studio.file("intro.mp4", bytes);
    const begun = until(reelsync.on, "upload.begun");
    const uploading = ask("POST", "/v1/uploads", { body: { file, entity, assetType } });
    await begun;
    await sidecar.stop(1);
    const { body } = await uploading;
    await objectStore.start();
    expect(body).toMatchObject({ state: "queued", sha256: sha256(bytes) });
    const refused = await ask("POST", "/v1/drain");
    expect({ status: refused.status, code: codeOf(refused) }).toEqual({
      status: 503,
      code: "SIDECAR_UNAVAILABLE",
    });
    const next = studio.queueing({ journalDir });
    expect(await next.reelsync.drain()).toMatchObject({ waiting: 0 });
    expect(await next.reelsync.uploadStatus(body["uploadId"] as string)).toMatchObject({
      state: "recorded",
      asset: { status: "ready" },
    });
  });
});

describe("[G7] a wrong request is told what is wrong with it, and changes nothing", () => {
  test.each([
    ["an unknown field", "/v1/uploads", { fil: "x" }, 400, "INVALID_ARGUMENT", /fil/],
    ["a missing field", "/v1/sessions", { title: "Reel" }, 400, "INVALID_ARGUMENT", /project/],
    ["no file there", "/v1/uploads", { file: "/nowhere.mp4" }, 404, "FILE_NOT_FOUND", /\/nowhere.mp4/],
    ["an odd type", "/v1/uploads", { assetType: "song" }, 400, "INVALID_ASSET_TYPE", /video_chunk/],
    ["no such endpoint", "/v1/nothing", {}, 404, "NOT_FOUND", /POST \/v1\/nothing here.*CLI\.md/],
  ])("%s", async (_what, path, over, status, code, message) => {
    const { ask, scene } = await open();
    const { entity, assetType } = await scene();
    const file = await studio.file("intro.mp4", randomBytes(10));
    const whole = path === "/v1/uploads" ? { file, entity, assetType } : {};
    const before = await studio.snapshot();
    const answer = await ask("POST", path, { body: { ...whole, ...over } });
    expect(answer.status).toBe(status);
    expect(answer.body["error"]).toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
      hint: expect.any(String) as string,
      retryable: false,
    });
    expect(await studio.snapshot()).toEqual(before);
  });

  test("a body that is not JSON, an odd correlation id, and a body without bytes", async () => {
    const { ask } = await open();
    const headers = { "content-type": "application/json" };
    expect(codeOf(await ask("POST", "/v1/drain", { bytes: Buffer.from("{"), headers }))).toBe(
      "INVALID_ARGUMENT",
    );
    const odd = await ask("POST", "/v1/drain", { headers: { "x-correlation-id": "a b" } });
    expect({ status: odd.status, code: codeOf(odd) }).toEqual({ status: 400, code: "INVALID_ARGUMENT" });
    const query = "entityType=scene&entityId=x&assetType=video_chunk&fileName=a.mp4";
    expect(codeOf(await ask("POST", `/v1/uploads/stream?${query}`))).toBe("FILE_EMPTY");
  });
});
