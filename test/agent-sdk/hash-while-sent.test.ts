import { createHash, randomBytes } from "node:crypto";
import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ReelsyncOptions, S3Options, UploadRequest } from "reelsync";
import { openDiskFile } from "../../agent-sdk/src/file/asset-file.ts";
import { MIB } from "../../contract/limits.ts";
import { startFaultProxy, type Exchange } from "./support/fault-proxy.ts";
import { startStudio, type Client } from "./support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Five parts, the last of them short. */
const SIZE = 4 * 16 * MIB + 7;
const film = () => Buffer.alloc(SIZE, randomBytes(MIB + 7));
const ONE_ATTEMPT = { attempts: 1, baseDelayMs: 500, maxDelayMs: 500 };

const partOf = ({ method, target }: Exchange) =>
  method === "PUT" ? /partNumber=(\d+)/.exec(target)?.[1] : undefined;
const partsIn = (exchanges: Exchange[]) => exchanges.map(partOf).filter((part) => part !== undefined);
const completes = ({ method, target }: Exchange) => method === "POST" && target.includes("uploadId=");
const says = (exchange: Exchange, path: string) =>
  exchange.body !== "" && (JSON.parse(exchange.body) as { path?: string }).path === path;

/** Clients whose way to both services goes through these proxies, and a scene. */
async function stage(options: ReelsyncOptions & { s3?: S3Options } = {}) {
  const s3 = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const convex = await startFaultProxy(studio.stack.local.deployment.url);
  const { sceneId } = await studio.scene(studio.client().reelsync);
  const all = {
    rollout: "on-write",
    ...options,
    convexUrl: convex.url,
    s3: { multipartThreshold: 5 * MIB, maxAttempts: 1, ...options.s3, endpoint: s3.url },
  } as const;
  const upload = ({ reelsync }: Pick<Client, "reelsync">, request: Pick<UploadRequest, "file">) =>
    reelsync.uploadWithConvexSync({
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
      fileName: "long.mp4",
      ...request,
    });
  return { s3, convex, sceneId, options: all, upload };
}

const rowsOf = async (sceneId: string) =>
  (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);

async function expectStored(sceneId: string, contents: Uint8Array[]): Promise<void> {
  const rows = (await rowsOf(sceneId)).sort((a, b) => Number(a["version"]) - Number(b["version"]));
  expect(rows.map(({ checksum }) => checksum)).toEqual(contents.map(sha256));
  expect(rows.at(-1)).toMatchObject({ status: "ready" });
  for (const { s3Key, checksum } of rows) expect(await studio.bucket.sha256(String(s3Key))).toBe(checksum);
  expect(await studio.bucket.multipartUploads()).toBe(0);
}

/** A file on the disk that counts what is read of it, as the SDK opens its own files. */
async function counted(path: string) {
  let bytes = 0;
  const open = async () => {
    const disk = await openDiskFile(path);
    const read: typeof disk.read = (range, into) => {
      bytes += range.end - range.start;
      return disk.read(range, into);
    };
    return { ...disk, read };
  };
  return { file: open as unknown as string, bytesRead: () => bytes };
}

describe("a large file", () => {
  test.each(["always", "never"] as const)(
    "[G2] is read once, hashed while it is sent, and recorded with what is stored; parts signed: %s",
    async (signParts) => {
      const { s3, sceneId, options, upload } = await stage({ s3: { signParts } });
      const bytes = film();
      const { file, bytesRead } = await counted(await studio.file("long.mp4", bytes));
      const client = studio.client(options);
      let sentBefore = 0;
      client.reelsync.on(({ type }) => type === "upload.hashed" && (sentBefore = partsIn(s3.seen).length));
      const result = await upload(client, { file });
      expect(bytesRead()).toBe(SIZE);
      expect(sentBefore).toBe(5);
      expect(client.events.map(({ type }) => type)).toEqual([
        "upload.started",
        "upload.begun",
        "upload.hashed",
        "upload.stored",
        "upload.finished",
      ]);
      expect(result).toMatchObject({ state: "ready", sha256: sha256(bytes), deduped: false, attempts: 1 });
      expect(result.s3Key).toContain(`/${result.uploadId.replaceAll("-", "").slice(0, 16)}-long.mp4`);
      await expectStored(sceneId, [bytes]);
      expect((await studio.bucket.head(result.s3Key ?? "")).Metadata).not.toHaveProperty("sha256");
      const signed = s3.seen.filter((exchange) => partOf(exchange) !== undefined).map(digestOf);
      const digests = [0, 1, 2, 3, 4].map((part) =>
        sha256(bytes.subarray(part * 16 * MIB, (part + 1) * 16 * MIB)),
      );
      expect(signed.sort()).toEqual(
        signParts === "always" ? digests.sort() : digests.map(() => "UNSIGNED-PAYLOAD"),
      );
    },
    60_000,
  );

  test("[G2] is hashed right although a part has to be sent again", async () => {
    const { s3, sceneId, options, upload } = await stage();
    const bytes = film();
    const { file, bytesRead } = await counted(await studio.file("long.mp4", bytes));
    let fails = 1;
    s3.spoil = (exchange) => (partOf(exchange) === "2" && fails-- > 0 ? { status: 503 } : undefined);
    const result = await upload(studio.client(options), { file });
    expect(result).toMatchObject({ sha256: sha256(bytes), attempts: 2 });
    expect(bytesRead()).toBe(SIZE + 16 * MIB);
    await expectStored(sceneId, [bytes]);
  }, 60_000);

  test("[G3] that is stored already moves no bytes", async () => {
    const { s3, sceneId, options, upload } = await stage();
    const bytes = film();
    const file = await studio.file("long.mp4", bytes);
    const client = studio.client(options);
    const first = await upload(client, { file });
    s3.seen.length = 0;
    const again = await upload(client, { file });
    expect(again).toMatchObject({ assetId: first.assetId, deduped: true, version: 1, sha256: sha256(bytes) });
    expect(s3.seen).toEqual([]);
    await expectStored(sceneId, [bytes]);
  }, 60_000);

  test("[G4] of the same size as the current version, but of other content, is the next one", async () => {
    const { sceneId, options, upload } = await stage();
    const client = studio.client(options);
    const contents = [film(), film()];
    for (const file of contents) expect(await upload(client, { file })).toMatchObject({ deduped: false });
    await expectStored(sceneId, contents);
  }, 60_000);

  test("[G3] that two calls bring at once is stored right by both", async () => {
    const { sceneId, options, upload } = await stage();
    const client = studio.client(options);
    const bytes = film();
    const results = await Promise.all([1, 2].map(() => upload(client, { file: bytes })));
    expect(results.map((result) => result.sha256)).toEqual([sha256(bytes), sha256(bytes)]);
    await expectStored(
      sceneId,
      (await rowsOf(sceneId)).map(() => bytes),
    );
  }, 60_000);

  test("goes to a deployment that does not know begins without a hash, hashed first", async () => {
    const { convex, sceneId, options, upload } = await stage();
    let refused = 0;
    convex.spoil = (exchange) => {
      if (!says(exchange, "assets:begin") || exchange.body.includes("sha256")) return undefined;
      refused += 1;
      const errorData = { code: "INVALID_ARGUMENT", message: "sha256: expected a string." };
      return { status: 560, body: JSON.stringify({ status: "error", errorMessage: "refused", errorData }) };
    };
    const bytes = film();
    const result = await upload(studio.client(options), { file: bytes });
    expect(refused).toBe(1);
    expect(result.s3Key).toContain(`/${sha256(bytes).slice(0, 16)}-long.mp4`);
    const commits = convex.seen.filter((exchange) => says(exchange, "assets:commit"));
    expect(commits.some(({ body }) => body.includes("sha256"))).toBe(false);
    await expectStored(sceneId, [bytes]);
  }, 60_000);

  test.each(["assets:begin", "assets:commit"])(
    "[G3] is one version when the reply to %s is lost",
    async (path) => {
      const { convex, sceneId, options, upload } = await stage();
      let lost = 1;
      convex.spoil = (exchange) => (says(exchange, path) && lost-- > 0 ? "loseReply" : undefined);
      const bytes = film();
      expect(await upload(studio.client(options), { file: bytes })).toMatchObject({ version: 1 });
      await expectStored(sceneId, [bytes]);
    },
    60_000,
  );

  test("[G2] that is written to while it is sent never becomes an object", async () => {
    const { s3, sceneId, options, upload } = await stage({ s3: { signParts: "never" } });
    const path = await studio.file("long.mp4", film());
    s3.spoil = (exchange) => (partOf(exchange) === "3" ? () => appendFile(path, "more") : undefined);
    const client = studio.queueing(options);
    await expect(upload(client, { file: path })).rejects.toMatchObject({ code: "FILE_CHANGED" });
    expect(s3.seen.some(completes)).toBe(false);
    expect(await rowsOf(sceneId)).toMatchObject([{ status: "error", errorCode: "FILE_CHANGED" }]);
    expect(await studio.bucket.multipartUploads()).toBe(0);
  }, 60_000);
});

describe("[G1] a large file that leaves the line half-way", () => {
  test.each<[string, (bytes: Buffer) => Promise<string | Buffer>, number]>([
    ["a file", (bytes) => studio.file("long.mp4", bytes), 3],
    ["a Buffer", async (bytes) => bytes, 0],
  ])(
    "is queued with the hash of the whole, and gone on with: %s",
    async (_what, source, kept) => {
      const { s3, sceneId, options, upload } = await stage({
        retry: ONE_ATTEMPT,
        s3: { signParts: "never" },
      });
      const client = studio.queueing(options);
      const bytes = film();
      s3.spoil = (exchange) => (Number(partOf(exchange) ?? 0) > 3 ? { status: 503 } : undefined);
      const queued = await upload(client, { file: await source(bytes) });
      expect(queued).toMatchObject({ state: "queued", sha256: sha256(bytes), size: SIZE });
      const [entry] = (await readdir(client.journalDir, { recursive: true })).filter((path) =>
        path.endsWith("entry.json"),
      );
      const record = JSON.parse(await readFile(join(client.journalDir, entry ?? ""), "utf8")) as object;
      expect(record).toMatchObject({ acknowledged: true, intent: { sha256: sha256(bytes) } });
      expect(record).not.toHaveProperty("mark");
      s3.seen.length = 0;
      s3.spoil = () => undefined;
      expect(await client.reelsync.drain()).toMatchObject({ waiting: 0, failed: 0 });
      // An unsigned part of what was in memory only is no proof of what is on the disk now.
      expect(partsIn(s3.seen)).toHaveLength(5 - kept);
      await expectStored(sceneId, [bytes]);
    },
    60_000,
  );

  test("is queued with the hash of the whole behind an earlier one, and when its time is over", async () => {
    const { s3, sceneId, options, upload } = await stage({ retry: ONE_ATTEMPT, timeoutMs: 2_000 });
    const client = studio.queueing(options);
    const [first, second] = [film(), film()];
    s3.spoil = (exchange) => (partOf(exchange) === "2" ? () => new Promise(() => undefined) : undefined);
    const late = await upload(client, { file: await studio.file("long.mp4", first) });
    expect(late).toMatchObject({ state: "queued", sha256: sha256(first) });
    const behind = await upload(client, { file: await studio.file("long.mp4", second) });
    expect(behind).toMatchObject({ state: "queued", sha256: sha256(second) });
    s3.spoil = () => undefined;
    for (let waiting = 1; waiting > 0;) ({ waiting } = await client.reelsync.drain());
    await expectStored(sceneId, [first, second]);
  }, 60_000);

  test("is parked with the hash of the whole, and replayed", async () => {
    const { s3, sceneId, options, upload } = await stage({ retry: ONE_ATTEMPT });
    const client = studio.client(options);
    const bytes = film();
    s3.spoil = (exchange) => (partOf(exchange) === "2" ? { status: 403 } : undefined);
    const failed = upload(client, { file: await studio.file("long.mp4", bytes) });
    await expect(failed).rejects.toMatchObject({ deadLetter: { delivered: true } });
    const [letter] = await client.reelsync.deadLetters.list();
    expect(letter?.intent).toMatchObject({ sha256: sha256(bytes), size: SIZE });
    expect(await rowsOf(sceneId)).toMatchObject([{ status: "error", checksum: "" }]);
    expect(await studio.bucket.multipartUploads()).toBe(0);
    s3.spoil = () => undefined;
    const replayed = await client.reelsync.deadLetters.replay(letter?.id ?? "");
    expect(replayed).toMatchObject({ state: "ready", version: 1, sha256: sha256(bytes) });
    await expectStored(sceneId, [bytes]);
  }, 60_000);

  test.each(["queue", "strict"] as const)(
    "and is another one by then is neither queued nor parked: %s",
    async (mode) => {
      const { s3, sceneId, options, upload } = await stage({ retry: ONE_ATTEMPT });
      const client = mode === "strict" ? studio.client(options) : studio.queueing(options);
      const path = await studio.file("long.mp4", film());
      s3.spoil = (exchange) =>
        partOf(exchange) === "2"
          ? { status: 503 }
          : partOf(exchange) === "1"
            ? () => writeFile(path, "x")
            : undefined;
      const failed = upload(client, { file: path });
      await expect(failed).rejects.toMatchObject({ code: "FILE_CHANGED" });
      expect(client.events.some(({ type }) => type === "deadLetter.parked")).toBe(false);
      expect(await rowsOf(sceneId)).toMatchObject([{ status: "error", errorCode: "FILE_CHANGED" }]);
      expect(client.reelsync.journal).toMatchObject({ waiting: 0 });
      expect(await studio.bucket.multipartUploads()).toBe(0);
      await rm(path);
    },
    60_000,
  );
});

function digestOf({ headers }: Exchange): string {
  return String(headers["x-amz-content-sha256"]);
}
