/** The SDK's byte path against a real store: what is stored, under which names, and what is left when it fails. */
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCall } from "../../agent-sdk/src/call.ts";
import { memoryFile, openDiskFile } from "../../agent-sdk/src/file/asset-file.ts";
import { MIB } from "../../contract/limits.ts";
import { createBytePath } from "../agent-sdk/support/bucket.ts";
import { startFaultProxy } from "../agent-sdk/support/fault-proxy.ts";
import { tempDir } from "../support/temp-dir.ts";
import { useRealStore } from "./real-store.ts";

const bucket = useRealStore();
const IN_PARTS = { multipartThreshold: 5 * MIB };
const SMALL = randomBytes(100_000);
const LARGE = randomBytes(40 * MIB + 123);

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const bytePath = (over: Parameters<typeof createBytePath>[1] = {}, endpoint = bucket.endpoint) =>
  createBytePath(endpoint, { ...bucket.options, endpoint, ...IN_PARTS, ...over });

let names = 0;
const freshKey = () => `byte-path/${++names}/scene.mp4`;

describe("bytes arrive as they are", () => {
  test.each([
    ["one byte", randomBytes(1), 0],
    ["a small file in one request", SMALL, 0],
    ["a file of exactly one part", randomBytes(16 * MIB), 1],
    ["a large file in parts", LARGE, 3],
  ])("%s, from disk and from memory, with what it says about itself", async (_what, bytes, parts) => {
    const { store } = bytePath();
    const path = join(await tempDir(), "scene.mp4");
    await writeFile(path, bytes);
    const disk = await openDiskFile(path);
    for (const file of [disk, memoryFile(bytes)]) {
      const key = freshKey();
      let counted = 0;
      const stored = await store(file, { key, onBytes: (sent) => (counted += sent) });
      expect(counted).toBe(bytes.length);
      expect(await bucket.sha256(key)).toBe(sha256(bytes));
      const head = await bucket.head(key);
      expect(head.ContentLength).toBe(bytes.length);
      expect(head.Metadata).toEqual({ sha256: sha256(bytes) });
      expect(head.ContentType).toBe("video/mp4");
      expect(head.CacheControl).toBe("private, max-age=31536000, immutable");
      // Some stores complete a multipart upload without naming the ETag: it is read afterwards.
      expect(stored.etag).toMatch(parts === 0 ? /^[0-9a-f]{32}$/ : new RegExp(`^[0-9a-f]{32}-${parts}$`));
      expect(stored).toEqual({
        bucket: bucket.bucket,
        size: bytes.length,
        etag: head.ETag?.replaceAll('"', ""),
      });
    }
    await disk.close();
  });

  test.each([
    ["spaces and signs", "t/a b+c&d=e;f,g@h:i$j!k'(l)*~/x.mp4"],
    ["what a URL would cut or decode", "t/50%25 off?#fragment%41/x.mp4"],
    ["umlauts, composed and not", "t/Größe/e\u0301tude/ñ.mp4"],
    ["emoji and other scripts", "t/🎬 場面/سلام/x.mp4"],
    ["brackets and quotes", `t/[{<"x">}]|^\`\\/x.mp4`],
    ["1,024 bytes", `t/${"k".repeat(1018)}.mp4`],
  ])(
    "a key with %s is the same key, in one request and in parts, and its URL opens it",
    async (_what, key) => {
      const { store, objects } = bytePath();
      await store(memoryFile(SMALL), { key });
      expect(await bucket.keys()).toContain(key);
      const response = await fetch(await objects.url(key));
      expect(response.status).toBe(200);
      expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(SMALL));

      await store(memoryFile(LARGE), { key });
      expect(await bucket.sha256(key)).toBe(sha256(LARGE));
      await bucket.remove(key);
      expect(await bucket.keys()).not.toContain(key);
    },
  );

  const tlsEndpoint = process.env["S3_TLS_ENDPOINT_URL"];
  test.skipIf(tlsEndpoint === undefined)(
    "over TLS, in slices and unsigned (skipped where the store is given by --endpoint)",
    async () => {
      const { store } = bytePath({}, tlsEndpoint);
      const key = freshKey();
      const { etag } = await store(memoryFile(LARGE), { key });
      expect(etag).toMatch(/-3$/);
      expect(await bucket.sha256(key)).toBe(sha256(LARGE));
    },
  );

  test("bytes that are not the announced ones are refused by the store, and never stored", async () => {
    const { store } = bytePath();
    const wrong = sha256(randomBytes(10));
    const [key, inParts] = [freshKey(), freshKey()];
    const small = store(memoryFile(SMALL), { key, digests: { sha256: wrong } });
    await expect(small).rejects.toMatchObject({ code: "FILE_CHANGED" });

    const parts = [sha256(LARGE.subarray(0, 16 * MIB)), wrong, wrong];
    const digests = { sha256: sha256(LARGE), parts };
    const large = store(memoryFile(LARGE), { key: inParts, digests });
    await expect(large).rejects.toMatchObject({ code: "FILE_CHANGED" });
    const keys = await bucket.keys();
    expect(keys).not.toContain(key);
    expect(keys).not.toContain(inParts);
    expect(await bucket.multipartUploads(inParts)).toBe(0);
  });
});

/** The proxy speaks plain HTTP. */
const spoilable = bucket.endpoint.startsWith("http:");

describe.runIf(spoilable)("[G1] faults between the SDK and the store are survived", () => {
  test.each(["loseReply", "breakConnection", { status: 503 }] as const)(
    "%j at every kind of request",
    async (fault) => {
      const proxy = await startFaultProxy(bucket.endpoint);
      const kinds = new Set<string>();
      proxy.spoil = ({ method, target }) => {
        const kind = `${method} ${new URL(target, "http://s3").search.replace(/=[^&]*/g, "")}`;
        if (kinds.has(kind)) return undefined;
        kinds.add(kind);
        return fault;
      };
      const { store } = bytePath({}, proxy.url);
      const [small, large] = [freshKey(), freshKey()];
      const call = openCall({ timeoutMs: 60_000 });
      await store(memoryFile(SMALL), { key: small, call });
      await store(memoryFile(LARGE), { key: large, call });
      call.dispose();
      expect(await bucket.sha256(small)).toBe(sha256(SMALL));
      expect(await bucket.sha256(large)).toBe(sha256(LARGE));
      expect(call.retries).toBeGreaterThanOrEqual(4);
    },
  );

  test("parts the store has acknowledged are not sent again by the next attempt", async () => {
    const proxy = await startFaultProxy(bucket.endpoint);
    const sent: string[] = [];
    let failures = 0;
    proxy.spoil = ({ method, target }) => {
      if (method !== "PUT") return undefined;
      const part = /partNumber=(\d+)/.exec(target)?.[1] ?? "";
      sent.push(part);
      return part === "3" && failures++ < 2 ? { status: 500 } : undefined;
    };
    const { store } = bytePath({ maxAttempts: 2 }, proxy.url);
    const key = freshKey();
    await store(memoryFile(LARGE), { key });
    expect(sent.sort()).toEqual(["1", "2", "3", "3", "3"]);
    expect(await bucket.sha256(key)).toBe(sha256(LARGE));
  });

  test("cancelling in the middle, and failing for good, leave no parts and no object", async () => {
    const proxy = await startFaultProxy(bucket.endpoint);
    const controller = new AbortController();
    const key = freshKey();
    proxy.spoil = ({ target }) =>
      target.includes("partNumber=2")
        ? async () => controller.abort(new Error("no longer needed"))
        : undefined;
    const cancelled = bytePath({}, proxy.url).store(memoryFile(LARGE), { key, signal: controller.signal });
    await expect(cancelled).rejects.toMatchObject({ code: "ABORTED", retryable: false });

    proxy.spoil = ({ target }) => (target.includes("partNumber=2") ? { status: 500 } : undefined);
    const failed = bytePath({ maxAttempts: 1 }, proxy.url).store(memoryFile(LARGE), { key });
    await expect(failed).rejects.toMatchObject({ code: "S3_UNAVAILABLE", retryable: true });

    expect(await bucket.multipartUploads(key)).toBe(0);
    expect(await bucket.keys()).not.toContain(key);
  });
});

describe("[G7] what the operator has to mend is said by its code", () => {
  test.each([
    ["a bucket that is not there", "BUCKET_NOT_FOUND", { bucket: "reelsync-test-no-such-bucket" }],
    ["an unknown access key", "S3_CREDENTIALS_INVALID", { accessKeyId: "UNKNOWNACCESSKEY" }],
    ["a wrong secret", "S3_CREDENTIALS_INVALID", { secretAccessKey: "wrong" }],
  ])("%s is %s before anything is begun, and by itself", async (_what, code, over) => {
    const { objects, store } = bytePath(over);
    const call = openCall({ timeoutMs: 10_000 });
    await expect(objects.assertUsable(call)).rejects.toMatchObject({ code, retryable: false });
    call.dispose();
    await expect(store(memoryFile(SMALL))).rejects.toMatchObject({ code, retryable: false });
    await expect(store(memoryFile(LARGE))).rejects.toMatchObject({ code, retryable: false });
  });

  test("a bucket that refuses writing is S3_ACCESS_DENIED, one that only refuses listing takes uploads", async () => {
    const { objects, store } = bytePath();
    const call = openCall({ timeoutMs: 10_000 });
    const allowAll = await bucket.deny("s3:PutObject", "s3:ListBucket");
    await objects.assertUsable(call);
    for (const bytes of [SMALL, LARGE]) {
      const refused = store(memoryFile(bytes), { key: freshKey() });
      await expect(refused).rejects.toMatchObject({ code: "S3_ACCESS_DENIED", retryable: false });
    }
    await allowAll();
    const allowListing = await bucket.deny("s3:ListBucket");
    await bytePath().objects.assertUsable(call);
    const stored = await store(memoryFile(SMALL), { key: freshKey() });
    await allowListing();
    call.dispose();
    expect(stored.etag).toMatch(/^[0-9a-f]{32}$/);
  });

  test("an address where nothing answers is S3_UNAVAILABLE, and worth trying again", async () => {
    const { store } = bytePath({ maxAttempts: 1 }, "http://127.0.0.1:9");
    const unreachable = store(memoryFile(SMALL));
    await expect(unreachable).rejects.toMatchObject({ code: "S3_UNAVAILABLE", retryable: true });
  });
});
