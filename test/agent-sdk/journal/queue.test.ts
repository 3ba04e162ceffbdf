import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { ReelsyncEvent, ReelsyncOptions, UploadRequest, UploadResult } from "reelsync";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio, type Client } from "../support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Too few failures to open the circuit, which would keep the test waiting for its probe. */
const ONE_ATTEMPT = { attempts: 1, baseDelayMs: 500, maxDelayMs: 500 };

/** Resolves when that many events of the kind have come since the client began. */
function until<T extends ReelsyncEvent["type"]>({ reelsync, events }: Client, type: T, count = 1) {
  const come = () => events.filter((event) => event.type === type) as (ReelsyncEvent & { type: T })[];
  return new Promise<(ReelsyncEvent & { type: T })[]>((resolve) => {
    const look = () => {
      if (come().length < count) return;
      stop();
      resolve(come());
    };
    const stop = reelsync.on(look);
    look();
  });
}

/** A queueing client whose S3 answers every PUT with 503 until it is mended. */
async function clientWithBrokenS3(options: ReelsyncOptions = {}) {
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const client = studio.queueing({ s3: { endpoint: proxy.url, maxAttempts: 1 }, ...options });
  const { sceneId } = await studio.scene(client.reelsync);
  proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
  return { client, proxy, sceneId, mend: () => (proxy.spoil = () => undefined) };
}

function upload({ reelsync }: Client, sceneId: string, request: Partial<UploadRequest> = {}) {
  return reelsync.uploadWithConvexSync({
    file: Buffer.from("film"),
    entity: { type: "scene", id: sceneId },
    assetType: "video_chunk",
    ...request,
  });
}

const rowsOf = async (sceneId: string) =>
  (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);
const entriesOf = async ({ journalDir }: Client): Promise<string[]> => {
  const all = await readdir(journalDir, { recursive: true }).catch(() => []);
  return all.filter((path) => path.endsWith("entry.json"));
};
async function expectStored(sceneId: string, contents: Uint8Array[]) {
  const rows = (await rowsOf(sceneId)).sort((a, b) => Number(a["version"]) - Number(b["version"]));
  expect(rows.map(({ checksum }) => checksum)).toEqual(contents.map(sha256));
  expect(rows.map(({ status }) => status)).toEqual(
    contents.map((_, index) => (index === contents.length - 1 ? "ready" : "superseded")),
  );
  for (const { s3Key, checksum } of rows) expect(await studio.bucket.sha256(String(s3Key))).toBe(checksum);
}

describe("[G1] an outage is answered with `queued`, and what was queued is published when it is over", () => {
  test.each<[string, (bytes: Buffer) => Promise<UploadRequest["file"]>]>([
    ["a file", (bytes) => studio.file("scene.mp4", bytes)],
    ["a buffer", async (bytes) => bytes],
    ["a stream", async (bytes) => Readable.from([bytes])],
  ])("of S3, for %s", async (_what, source) => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const bytes = randomBytes(50_000);
    const answer = await upload(client, sceneId, { file: await source(bytes) });
    expect(answer).toEqual({
      state: "queued",
      uploadId: expect.any(String) as string,
      sha256: sha256(bytes),
      size: bytes.length,
    });
    expect(await entriesOf(client)).toHaveLength(1);
    expect(client.events.some(({ type }) => type === "deadLetter.parked")).toBe(false);

    mend();
    const [sent] = await until(client, "journal.sent");
    expect(sent).toMatchObject({ uploadId: answer.uploadId, version: 1 });
    await expectStored(sceneId, [bytes]);
    expect(await entriesOf(client)).toEqual([]);
  });

  test("of Convex, before anything was begun", async () => {
    const client = studio.queueing();
    const { sceneId } = await studio.scene(client.reelsync);
    const { deployment } = studio.stack.local;
    await deployment.stop();
    const bytes = randomBytes(1000);
    const answer = await upload(client, sceneId, { file: bytes, timeoutMs: 3_000 });
    expect(answer.state).toBe("queued");
    await deployment.start();
    await until(client, "journal.sent");
    await expectStored(sceneId, [bytes]);
  }, 60_000);

  test("of Convex, between the bytes and the commit", async () => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const client = studio.queueing({ convexUrl: proxy.url });
    const { sceneId } = await studio.scene(client.reelsync);
    proxy.spoil = ({ body }) => (body.includes("assets:commit") ? { status: 503 } : undefined);
    const bytes = randomBytes(1000);
    const file = await studio.file("scene.mp4", bytes);
    expect(await upload(client, sceneId, { file, timeoutMs: 3_000 })).toMatchObject({ state: "queued" });
    proxy.spoil = () => undefined;
    await until(client, "journal.sent");
    await expectStored(sceneId, [bytes]);
  }, 60_000);

  test("and a later process publishes it when this one has ended first", async () => {
    const { client, sceneId } = await clientWithBrokenS3();
    const bytes = randomBytes(1000);
    await upload(client, sceneId, { file: bytes });
    await client.reelsync.close();
    expect(await entriesOf(client)).toHaveLength(1);

    const later = studio.queueing({ journalDir: client.journalDir });
    expect(await later.reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
    await expectStored(sceneId, [bytes]);
    await later.reelsync.close();
    expect(await readdir(client.journalDir).catch(() => [])).toEqual([]);
  });

  test("and another process is told where it is, before and after", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const { uploadId } = await upload(client, sceneId);
    const other = studio.queueing({ journalDir: client.journalDir });
    expect(await other.reelsync.uploadStatus(uploadId)).toMatchObject({ uploadId, state: "queued" });
    mend();
    await until(client, "journal.sent");
    expect(await other.reelsync.uploadStatus(uploadId)).toMatchObject({ uploadId, state: "recorded" });
    const nobodys = other.reelsync.uploadStatus(randomUUID());
    await expect(nobodys).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

test("nothing waits for an open circuit: the answer comes without a request", async () => {
  const { client, proxy, sceneId } = await clientWithBrokenS3({
    retry: { attempts: 5, baseDelayMs: 1, maxDelayMs: 1 },
  });
  const other = await studio.scene(client.reelsync);
  await upload(client, sceneId);
  await until(client, "breaker.changed");
  const sent = proxy.seen.length;
  expect(await upload(client, other.sceneId)).toMatchObject({ state: "queued" });
  expect(proxy.seen.length).toBe(sent);
});

test("a strict client throws instead, and leaves a dead letter", async () => {
  const { client, sceneId } = await clientWithBrokenS3({ mode: "strict" });
  await expect(upload(client, sceneId)).rejects.toMatchObject({
    code: "S3_UNAVAILABLE",
    deadLetter: { delivered: true },
  });
  expect(await entriesOf(client)).toEqual([]);
});

test("[G4] uploads of one scene are published in the order they were called, also those after the outage", async () => {
  const { client, sceneId, mend } = await clientWithBrokenS3({ retry: ONE_ATTEMPT });
  const takes = Array.from({ length: 4 }, () => randomBytes(1000));
  const answers: UploadResult[] = [];
  for (const [index, take] of takes.entries()) {
    if (index === 3) mend();
    answers.push(await upload(client, sceneId, { file: take }));
  }
  // The last one found S3 well, and its scene's earlier ones perhaps still waiting.
  expect(answers.slice(0, 3).map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);
  const queued = client.events.flatMap((event) => (event.type === "upload.queued" ? event.code : []));
  expect(queued.slice(0, 3)).toEqual(["S3_UNAVAILABLE", "EARLIER_WAITS", "EARLIER_WAITS"]);
  expect(await client.reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
  await expectStored(sceneId, takes);
});

describe("[G1] what was acknowledged is its content", () => {
  test("although the file was replaced or removed before it was sent", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const bytes = randomBytes(1000);
    const file = await studio.file("scene.mp4", bytes);
    await upload(client, sceneId, { file });
    await rm(file);
    await writeFile(file, randomBytes(1000));
    mend();
    await until(client, "journal.sent");
    await expectStored(sceneId, [bytes]);
  });

  test("or a dead letter says that the file was overwritten in place", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const file = await studio.file("scene.mp4", randomBytes(1000));
    const { uploadId } = await upload(client, sceneId, { file });
    await writeFile(file, randomBytes(1000));
    mend();
    const [parked] = await until(client, "deadLetter.parked");
    expect(parked).toMatchObject({ uploadId, code: "FILE_CHANGED", delivered: true });
    expect(await rowsOf(sceneId)).toMatchObject([{ status: "error", errorCode: "FILE_CHANGED" }]);
    await client.reelsync.drain();
    expect(await entriesOf(client)).toEqual([]);
  });
});

test("[G1] an upload whose life is over becomes a dead letter with its bytes, and its replay publishes it", async () => {
  const { client, sceneId, mend } = await clientWithBrokenS3({
    journal: { maxAttempts: 2 },
    retry: ONE_ATTEMPT,
  });
  const bytes = randomBytes(1000);
  const { uploadId } = await upload(client, sceneId, { file: bytes });
  const [parked] = await until(client, "deadLetter.parked");
  expect(parked).toMatchObject({ uploadId, code: "S3_UNAVAILABLE", delivered: true });
  await client.reelsync.drain();
  expect(await entriesOf(client)).toEqual([]);
  mend();
  expect(await client.reelsync.deadLetters.replay(uploadId)).toMatchObject({ state: "ready", version: 1 });
  await expectStored(sceneId, [bytes]);
});

describe("a journal is bounded", () => {
  test("[G7] one that is full says so, and nothing has changed", async () => {
    const { client, proxy, sceneId } = await clientWithBrokenS3({
      journal: { maxBytes: 1500, waitForRoomMs: 50 },
      retry: ONE_ATTEMPT,
    });
    // The background sends what waits at once, and its begin tells the call's age again, which may put its wish some
    // milliseconds earlier. Held at its bytes, it says nothing more while the rows are compared.
    let puts = 0;
    const heldAtBytes = new Promise<void>((resolve) => {
      proxy.spoil = ({ method }) => {
        if (method !== "PUT") return undefined;
        return (puts += 1) === 1 ? { status: 503 } : () => (resolve(), new Promise(() => undefined));
      };
    });
    await upload(client, sceneId, { file: randomBytes(1000) });
    await heldAtBytes;
    const before = await studio.snapshot();
    const refused = upload(client, sceneId, { file: randomBytes(1000), chunkIndex: 1 });
    await expect(refused).rejects.toMatchObject({ code: "JOURNAL_FULL", retryable: true });
    expect(await studio.snapshot()).toEqual(before);
    // A file needs no room for bytes.
    const file = await studio.file("scene.mp4", randomBytes(1000));
    expect(await upload(client, sceneId, { file, chunkIndex: 2 })).toMatchObject({ state: "queued" });
  });

  test("a call waits while there is no room, and goes on when there is", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3({ journal: { maxEntries: 1 } });
    const bytes = [randomBytes(1000), randomBytes(1000)] as const;
    await upload(client, sceneId, { file: bytes[0] });
    const second = upload(client, sceneId, { file: bytes[1] });
    mend();
    expect(await second).toMatchObject({ state: "ready", version: 2 });
    await expectStored(sceneId, [...bytes]);
  });
});

test("no secret is written to the journal", async () => {
  const { client, sceneId } = await clientWithBrokenS3();
  await upload(client, sceneId);
  const [entry = ""] = await entriesOf(client);
  const text = await readFile(join(client.journalDir, entry), "utf8");
  const { AWS_SECRET_ACCESS_KEY = "", REELSYNC_AGENT_KEY = "" } = studio.stack.agentEnv;
  for (const secret of [AWS_SECRET_ACCESS_KEY, REELSYNC_AGENT_KEY]) expect(text).not.toContain(secret);
});

test("[G1] closing with a grace journals what has not finished by then", async () => {
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const client = studio.queueing({ s3: { endpoint: proxy.url } });
  const { sceneId } = await studio.scene(client.reelsync);
  // S3 that never answers.
  const reached = new Promise<void>((resolve) => {
    proxy.spoil = ({ method }) =>
      method === "PUT" ? () => (resolve(), new Promise(() => undefined)) : undefined;
  });
  const bytes = randomBytes(1000);
  const answer = upload(client, sceneId, { file: bytes });
  await reached;
  await client.reelsync.close({ graceMs: 20 });
  expect(await answer).toMatchObject({ state: "queued", sha256: sha256(bytes) });

  proxy.spoil = () => undefined;
  const later = studio.queueing({ journalDir: client.journalDir });
  expect(await later.reelsync.drain()).toMatchObject({ waiting: 0 });
  await expectStored(sceneId, [bytes]);
});
