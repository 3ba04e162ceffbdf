/** A real object store of the running test's own, the SDK's way into it, and the AWS client's way to look at it. */
import { createHash } from "node:crypto";
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import { openCall, type Call } from "../../../agent-sdk/src/call.ts";
import { loadConfig, type S3Options } from "../../../agent-sdk/src/config.ts";
import { createEvents, type ReelsyncEvent } from "../../../agent-sdk/src/events.ts";
import type { AssetFile } from "../../../agent-sdk/src/file/asset-file.ts";
import { hashFile } from "../../../agent-sdk/src/file/hash-file.ts";
import { createCircuitBreaker } from "../../../agent-sdk/src/resilience/circuit-breaker.ts";
import { createGuard } from "../../../agent-sdk/src/resilience/guard.ts";
import { createObjectStore } from "../../../agent-sdk/src/s3/object-store.ts";
import type { ObjectToStore } from "../../../agent-sdk/src/s3/stored-object.ts";
import { createTransferSlots } from "../../../agent-sdk/src/s3/transfer-slots.ts";
import { MIB } from "../../../contract/limits.ts";
import { startObjectStore } from "../../../local/object-store/index.ts";
import { tempDir } from "../../support/temp-dir.ts";

export const BUCKET = "reels";
export const CREDENTIALS = { accessKeyId: "AKIATEST", secretAccessKey: "test-secret-key" };

export async function startBucket() {
  const server = await startObjectStore({
    dataDir: await tempDir(),
    credentials: CREDENTIALS,
    buckets: [BUCKET],
  });
  onTestFinished(() => server.close());
  return { endpoint: server.endpoint, ...lookInto(server.endpoint, CREDENTIALS, BUCKET) };
}

/** What is really there, read with the unmodified AWS client. */
export function lookInto(endpoint: string, credentials: typeof CREDENTIALS, bucket: string) {
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  onTestFinished(() => client.destroy());
  return {
    async keys(): Promise<string[]> {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      return Contents.map(({ Key = "" }) => Key);
    },
    async multipartUploads(): Promise<number> {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return Uploads.length;
    },
    /** As some other client would; with a part when there are bytes. */
    async beginMultipart(Key: string, bytes?: Uint8Array): Promise<void> {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
      if (bytes === undefined) return;
      const part = { Bucket: bucket, Key, UploadId, PartNumber: 1, Body: bytes };
      await client.send(new UploadPartCommand(part));
    },
    /** Of the one multipart upload under this key, by number. */
    async parts(Key: string): Promise<{ number: number; size: number; etag: string }[]> {
      const list = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: Key });
      const { Uploads = [] } = await client.send(list);
      const UploadId = Uploads[0]?.UploadId;
      const { Parts = [] } = await client.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }));
      return Parts.map(({ PartNumber = 0, Size = 0, ETag = "" }) => ({
        number: PartNumber,
        size: Size,
        etag: ETag,
      }));
    },
    head: (key: string) => client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })),
    async sha256(key: string): Promise<string> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const hash = createHash("sha256");
      for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk);
      return hash.digest("hex");
    },
  };
}

/** The SDK's byte path by itself. */
export function createBytePath(endpoint: string, options: S3Options = {}, timeoutMs = 60_000) {
  const { s3 } = loadConfig({
    env: {},
    convexUrl: "http://127.0.0.1:1",
    agentToken: async () => "",
    s3: { endpoint, bucket: BUCKET, ...CREDENTIALS, ...options },
  });
  const events: ReelsyncEvent[] = [];
  const emitter = createEvents();
  emitter.on((event) => events.push(event));
  const slots = createTransferSlots({ requests: s3.maxConcurrency, bytes: 64 * MIB });
  const breaker = createCircuitBreaker({ name: "s3:test" });
  const policy = { attempts: 3, baseDelayMs: 20, maxDelayMs: 100 };
  const objects = createObjectStore(s3, slots, createGuard("s3", breaker, policy, emitter), emitter);
  onTestFinished(() => {
    objects.close();
    breaker.close();
  });

  async function store(
    file: AssetFile,
    over: Partial<ObjectToStore> & { call?: Call; signal?: AbortSignal } = {},
  ) {
    const call = over.call ?? openCall({ timeoutMs, signal: over.signal });
    const plan = objects.plan(file.size);
    const digests = over.digests ?? (await hashFile(file, plan, slots, call.signal, () => undefined));
    const ignored = () => undefined;
    try {
      return await objects.store(
        {
          key: "a/b.mp4",
          contentType: "video/mp4",
          file,
          plan,
          digests,
          onBytes: ignored,
          onVerifying: ignored,
          ...over,
        },
        call,
      );
    } finally {
      call.dispose();
    }
  }
  return { objects, store, events, slots, breaker };
}
