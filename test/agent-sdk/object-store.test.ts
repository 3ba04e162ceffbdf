import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openCall } from "../../agent-sdk/src/call.ts";
import type { S3Options } from "../../agent-sdk/src/config.ts";
import { memoryFile, openDiskFile } from "../../agent-sdk/src/file/asset-file.ts";
import { MIB } from "../../contract/limits.ts";
import { tempDir } from "../support/temp-dir.ts";
import { BUCKET, createBytePath, startBucket } from "./support/bucket.ts";
import { startFaultProxy, type Fault } from "./support/fault-proxy.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const IN_PARTS = { multipartThreshold: 5 * MIB };
const SMALL = randomBytes(100_000);
const LARGE = randomBytes(40 * MIB + 123);

async function diskFile(bytes: Uint8Array) {
  const path = join(await tempDir(), "scene.mp4");
  await writeFile(path, bytes);
  return openDiskFile(path);
}

describe("bytes arrive as they are", () => {
  test.each([
    ["a small file in one request", SMALL, false],
    ["a large file in parts", LARGE, true],
  ])("%s, from disk and from memory", async (_what, bytes, parts) => {
    const bucket = await startBucket();
    const { store } = createBytePath(bucket.endpoint, IN_PARTS);
    const disk = await diskFile(bytes);
    for (const [key, file] of [
      ["from-disk.mp4", disk],
      ["from-memory.mp4", memoryFile(bytes)],
    ] as const) {
      let counted = 0;
      const stored = await store(file, { key, onBytes: (sent) => (counted += sent) });
      expect(counted).toBe(bytes.length);
      expect(await bucket.sha256(key)).toBe(sha256(bytes));
      const head = await bucket.head(key);
      expect(head.Metadata).toEqual({ sha256: sha256(bytes) });
      expect(head.ContentType).toBe("video/mp4");
      expect(head.CacheControl).toBe("private, max-age=31536000, immutable");
      expect(stored).toEqual({ bucket: BUCKET, size: bytes.length, etag: head.ETag?.replaceAll('"', "") });
      expect(stored.etag.endsWith("-3")).toBe(parts);
    }
    await disk.close();
  });

  test("bytes that are not the announced ones are refused by the store, and never stored", async () => {
    const bucket = await startBucket();
    const { store } = createBytePath(bucket.endpoint, IN_PARTS);
    const file = memoryFile(SMALL);
    const digests = { sha256: sha256(randomBytes(10)) };
    await expect(store(file, { digests })).rejects.toMatchObject({ code: "FILE_CHANGED" });

    const parts = [sha256(LARGE.subarray(0, 16 * MIB)), sha256(randomBytes(10)), sha256(randomBytes(10))];
    const large = store(memoryFile(LARGE), { digests: { sha256: sha256(LARGE), parts } });
    await expect(large).rejects.toMatchObject({ code: "FILE_CHANGED" });
    expect(await bucket.keys()).toEqual([]);
    expect(await bucket.multipartUploads()).toBe(0);
  });
});

describe("what guards the bytes of a part on their way", () => {
  async function signaturesOf(options: S3Options) {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    const { store } = createBytePath(proxy.url, { ...IN_PARTS, ...options });
    const disk = await diskFile(LARGE);
    await store(disk);
    await disk.close();
    expect(await bucket.sha256("a/b.mp4")).toBe(sha256(LARGE));
    return proxy.seen
      .filter(({ target }) => target.includes("partNumber="))
      .sort((a, b) => a.target.localeCompare(b.target))
      .map(({ headers }) => headers["x-amz-content-sha256"]);
  }

  test("without TLS the digest of exactly these bytes, in its signature", async () => {
    const parts = [0, 1, 2].map((part) => LARGE.subarray(part * 16 * MIB, (part + 1) * 16 * MIB));
    expect(await signaturesOf({})).toEqual(parts.map(sha256));
  });

  test("nothing of ours when it is said that something else does", async () => {
    expect(await signaturesOf({ signParts: "never" })).toEqual(Array(3).fill("UNSIGNED-PAYLOAD"));
  });
});

describe("[G1] faults of the store are survived", () => {
  test.each<[string, Fault]>([
    ["a reply that is lost", "loseReply"],
    ["a connection that breaks", "breakConnection"],
    ["an internal error", { status: 500, body: "<Error><Code>InternalError</Code></Error>" }],
    ["a request to slow down", { status: 503, body: "<Error><Code>SlowDown</Code></Error>" }],
  ])("%s at every kind of request", async (_what, fault) => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    const kinds = new Set<string>();
    proxy.spoil = ({ method, target }) => {
      const query = new URL(target, "http://s3").search.replace(/=[^&]*/g, "");
      const kind = `${method} ${query}`;
      if (kinds.has(kind)) return undefined;
      kinds.add(kind);
      return fault;
    };
    const { store } = createBytePath(proxy.url, IN_PARTS);
    const call = openCall({ timeoutMs: 60_000 });
    await store(memoryFile(SMALL), { key: "small", call });
    await store(memoryFile(LARGE), { key: "large", call });
    call.dispose();
    expect(await bucket.sha256("small")).toBe(sha256(SMALL));
    expect(await bucket.sha256("large")).toBe(sha256(LARGE));
    expect(call.retries).toBeGreaterThanOrEqual(5);
    expect(kinds.size).toBeGreaterThanOrEqual(5);
  });

  test("a multipart upload that the bucket removed meanwhile starts over", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    let removed = false;
    proxy.spoil = ({ method, target }) => {
      if (removed || method !== "PUT" || !target.includes("partNumber=2")) return undefined;
      removed = true;
      return { status: 404, body: "<Error><Code>NoSuchUpload</Code></Error>" };
    };
    const { store } = createBytePath(proxy.url, IN_PARTS);
    let counted = 0;
    await store(memoryFile(LARGE), { onBytes: (sent) => (counted += sent) });
    expect(counted).toBe(LARGE.length);
    expect(await bucket.sha256("a/b.mp4")).toBe(sha256(LARGE));
  });

  test("a completion whose reply was lost, and whose repetition finds the upload gone, is read back", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    let completions = 0;
    proxy.spoil = ({ method, target }) => {
      if (method !== "POST" || !target.includes("uploadId=")) return undefined;
      return completions++ === 0
        ? "loseReply"
        : { status: 404, body: "<Error><Code>NoSuchUpload</Code></Error>" };
    };
    const { store } = createBytePath(proxy.url, IN_PARTS);
    const stored = await store(memoryFile(LARGE));
    expect(stored.etag).toMatch(/-3$/);
    expect(completions).toBe(2);
    expect(proxy.seen.filter(({ method }) => method === "PUT")).toHaveLength(3);
  });

  test("parts the store has acknowledged are not sent again by the next attempt", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    const sent: string[] = [];
    let failures = 0;
    proxy.spoil = ({ method, target }) => {
      if (method !== "PUT") return undefined;
      const part = /partNumber=(\d+)/.exec(target)?.[1] ?? "";
      sent.push(part);
      return part === "3" && failures++ < 2 ? { status: 500 } : undefined;
    };
    const { store, events } = createBytePath(proxy.url, { ...IN_PARTS, maxAttempts: 2 });
    await store(memoryFile(LARGE));
    expect(sent.filter((part) => part === "3")).toHaveLength(3);
    expect(sent.filter((part) => part === "1")).toHaveLength(1);
    expect(events.filter(({ type }) => type === "retry")).toHaveLength(1);
  });
});

describe("when it cannot be stored", () => {
  test.each(["always", "never"] as const)(
    "[G2] a file that is written to while its parts are sent makes no object, signed: %s",
    async (signParts) => {
      const bucket = await startBucket();
      const proxy = await startFaultProxy(bucket.endpoint);
      const path = join(await tempDir(), "scene.mp4");
      await writeFile(path, LARGE);
      proxy.spoil = ({ target }) =>
        target.includes("partNumber=1") ? async () => writeFile(path, randomBytes(LARGE.length)) : undefined;
      const disk = await openDiskFile(path);
      const { store } = createBytePath(proxy.url, { ...IN_PARTS, signParts });
      await expect(store(disk)).rejects.toMatchObject({ code: "FILE_CHANGED", retryable: false });
      await disk.close();
      expect(await bucket.keys()).toEqual([]);
      expect(await bucket.multipartUploads()).toBe(0);
    },
  );

  test("cancelling in the middle leaves no parts and no object", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    const controller = new AbortController();
    proxy.spoil = ({ target }) =>
      target.includes("partNumber=2")
        ? async () => controller.abort(new Error("no longer needed"))
        : undefined;
    const { store } = createBytePath(proxy.url, IN_PARTS);
    const stored = store(memoryFile(LARGE), { signal: controller.signal });
    await expect(stored).rejects.toMatchObject({ code: "ABORTED", retryable: false });
    expect(await bucket.multipartUploads()).toBe(0);
    expect(await bucket.keys()).toEqual([]);
  });

  test("a failure for good leaves no parts either", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    proxy.spoil = ({ target }) => (target.includes("partNumber=2") ? { status: 500 } : undefined);
    const { store } = createBytePath(proxy.url, { ...IN_PARTS, maxAttempts: 1 });
    await expect(store(memoryFile(LARGE))).rejects.toMatchObject({ code: "S3_UNAVAILABLE", retryable: true });
    expect(await bucket.multipartUploads()).toBe(0);
  });

  test("a store that opens no upload is not asked again after the deadline, however many attempts are left", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    proxy.spoil = ({ target }) => (target.includes("?uploads") ? { status: 503 } : undefined);
    // Between the attempts 50, 100, 200, 400 ms, and so on.
    vi.spyOn(Math, "random").mockReturnValue(1 - Number.EPSILON);
    onTestFinished(() => void vi.restoreAllMocks());
    const { store } = createBytePath(proxy.url, IN_PARTS);
    const call = openCall({ timeoutMs: 700 });
    await expect(store(memoryFile(LARGE), { call })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    const openings = proxy.seen.filter(({ method }) => method === "POST");
    expect(openings.length).toBeLessThanOrEqual(4);
  });

  test("a store that cannot even be told to clean up is reported by the parts it keeps", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    proxy.spoil = ({ target }) => (target.includes("uploadId=") ? { status: 501 } : undefined);
    const { store, events } = createBytePath(proxy.url, { ...IN_PARTS, maxAttempts: 1 });
    await expect(store(memoryFile(LARGE))).rejects.toMatchObject({ code: "S3_REFUSED" });
    expect(events).toContainEqual(expect.objectContaining({ type: "multipart.abandoned", s3Key: "a/b.mp4" }));
  });
});

describe("a multipart upload whose id was never heard", () => {
  const isCreation = ({ method, target }: { method: string; target: string }) =>
    method === "POST" && target.includes("?uploads");
  const loseReplies = (count: number) => (exchange: { method: string; target: string }) =>
    isCreation(exchange) && count-- > 0 ? "loseReply" : undefined;

  test.each([
    ["when the request was repeated at once", 3],
    ["when the next attempt made another one", 1],
  ])("does not stay in the bucket %s", async (_when, maxAttempts) => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    proxy.spoil = loseReplies(1);
    const { store } = createBytePath(proxy.url, { ...IN_PARTS, maxAttempts });
    await store(memoryFile(LARGE));
    expect(proxy.seen.filter(isCreation)).toHaveLength(2);
    expect(await bucket.multipartUploads()).toBe(0);
  });

  test("does not stay either when no attempt got an answer", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    proxy.spoil = loseReplies(3);
    const { store } = createBytePath(proxy.url, { ...IN_PARTS, maxAttempts: 1 });
    await expect(store(memoryFile(LARGE))).rejects.toMatchObject({ code: "S3_UNAVAILABLE" });
    expect(proxy.seen.filter(isCreation)).toHaveLength(3);
    expect(await bucket.multipartUploads()).toBe(0);
  });

  test("of a process that was killed is removed by the one that comes after it", async () => {
    const bucket = await startBucket();
    await bucket.beginMultipart("a/b.mp4");
    const { store } = createBytePath(bucket.endpoint, IN_PARTS);
    await store(memoryFile(LARGE), { again: true });
    expect(await bucket.multipartUploads()).toBe(0);
  });

  test("is told from another process's by its parts: that one is left alone", async () => {
    const bucket = await startBucket();
    await bucket.beginMultipart("a/b.mp4", Buffer.alloc(10));
    await bucket.beginMultipart("a/b.mp4.other");
    const { store } = createBytePath(bucket.endpoint, IN_PARTS);
    await store(memoryFile(LARGE), { again: true });
    expect(await bucket.multipartUploads()).toBe(2);
  });
});

describe("[G7] a wrong configuration is found before anything is begun", () => {
  test.each([
    ["a wrong bucket", "BUCKET_NOT_FOUND", { bucket: "no-such-bucket" }],
    ["an unknown access key", "S3_CREDENTIALS_INVALID", { accessKeyId: "AKIAUNKNOWN" }],
    ["a wrong secret", "S3_CREDENTIALS_INVALID", { secretAccessKey: "wrong" }],
  ])("%s is %s", async (_what, code, options) => {
    const bucket = await startBucket();
    const { objects } = createBytePath(bucket.endpoint, options);
    const call = openCall({ timeoutMs: 10_000 });
    await expect(objects.assertUsable(call)).rejects.toMatchObject({ code, retryable: false });
    call.dispose();
  });

  test("a key that may not list, and a store that is down, say nothing", async () => {
    const bucket = await startBucket();
    const proxy = await startFaultProxy(bucket.endpoint);
    for (const fault of [
      { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" },
      { status: 503 },
      "breakConnection",
    ] as const) {
      proxy.spoil = () => fault;
      const { objects } = createBytePath(proxy.url, { maxAttempts: 1 });
      const call = openCall({ timeoutMs: 10_000 });
      await objects.assertUsable(call);
      call.dispose();
    }
  });
});

describe("URLs", () => {
  test("a presigned one opens the object, whatever its key", async () => {
    const bucket = await startBucket();
    const { store, objects } = createBytePath(bucket.endpoint);
    await store(memoryFile(SMALL), { key: "t/ünï cödé+&?.mp4" });
    const url = await objects.url("t/ünï cödé+&?.mp4");
    const response = await fetch(url, { headers: { Range: "bytes=10-19" } });
    expect(response.status).toBe(206);
    expect(Buffer.from(await response.arrayBuffer()).equals(SMALL.subarray(10, 20))).toBe(true);
  });

  test("a public base URL is used as it is", async () => {
    const { objects } = createBytePath("http://127.0.0.1:1", { publicBaseUrl: "https://cdn.example/reels/" });
    expect(await objects.url("t/a b/ü.mp4")).toBe("https://cdn.example/reels/t/a%20b/%C3%BC.mp4");
  });
});
