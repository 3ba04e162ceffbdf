/** The bucket as a `StorageBackend`: the client, the transfer slots, the guard and the coded errors of `../s3/`. */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { SECOND } from "../../../contract/limits.ts";
import { windowStart } from "../../../contract/stable-url.ts";
import { openCall, type Call } from "../call.ts";
import type { S3Config } from "../config.ts";
import { isReelsyncError } from "../errors.ts";
import type { Guard } from "../resilience/guard.ts";
import type { ObjectStore } from "../s3/object-store.ts";
import { objectUrl, storeTime } from "../s3/object-url.ts";
import { requestS3 } from "../s3/request-s3.ts";
import { s3Code } from "../s3/s3-errors.ts";
import { keptUnder, keptUnderHeaders, unquoted } from "../s3/stored-object.ts";
import type { TransferSlots } from "../s3/transfer-slots.ts";
import { openBody } from "./s3-body.ts";
import { lifeOf } from "./local-urls.ts";
import { saveSource } from "./save-source.ts";
import type {
  PresignedUrl,
  PresignOptions,
  StorageBackend,
  StorageCallOptions,
  StoredFile,
  StoredFileDetails,
} from "./storage-backend.ts";
import type { StorageQuota } from "./storage-quota.ts";
import { assertKeyLength, assertWritableKey, notFound } from "./storage-key.ts";
import { listing, sizeOf } from "./file-listing.ts";

export interface S3StorageParts {
  client: S3Client;
  config: S3Config;
  objects: ObjectStore;
  slots: TransferSlots;
  guard: Guard;
  quota: StorageQuota;
  timeoutMs: number;
}

export function createS3Storage(parts: S3StorageParts): StorageBackend {
  const { client, config, objects, slots, guard, quota, timeoutMs } = parts;
  const Bucket = config.bucket;

  const open = (options: StorageCallOptions = {}) =>
    openCall({ timeoutMs: options.timeoutMs ?? timeoutMs, signal: options.signal });

  async function during<T>(
    options: StorageCallOptions | undefined,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const call = open(options);
    return work(call).finally(call.dispose);
  }

  /** A request without bytes of ours. */
  const ask = <T extends { $metadata: { attempts?: number } }>(
    call: Call,
    action: string,
    send: (request: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> => guard(call, action, () => slots.run([], call.signal, () => requestS3(call, action, send)));

  async function stat(key: string, options?: StorageCallOptions): Promise<StoredFileDetails | null> {
    assertKeyLength(key);
    return during(options, async (call) => {
      // A HEAD has no body that could tell a missing bucket from a missing object.
      await objects.assertUsable(call);
      try {
        const head = await ask(call, "HeadObject", (request) =>
          client.send(new HeadObjectCommand({ Bucket, Key: key }), request),
        );
        return detailsOf(key, head);
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    });
  }

  async function* pages(
    prefix: string,
    options?: StorageCallOptions,
  ): AsyncGenerator<readonly StoredFile[], void, void> {
    for (let token: string | undefined; ;) {
      const command = new ListObjectsV2Command({
        Bucket,
        Prefix: prefix,
        ...(token !== undefined && { ContinuationToken: token }),
      });
      // A deadline for each page: how long the caller takes in between is nobody's business.
      const page = await during(options, (call) =>
        ask(call, "ListObjectsV2", (request) => client.send(command, request)),
      );
      yield (page.Contents ?? []).map(({ Key = "", Size = 0, LastModified, ETag = "" }) => ({
        key: Key,
        size: Size,
        lastModified: LastModified?.getTime() ?? 0,
        etag: unquoted(ETag),
      }));
      if (page.IsTruncated !== true || page.NextContinuationToken === token) return;
      token = page.NextContinuationToken;
    }
  }

  async function remove(key: string, call: Call): Promise<void> {
    try {
      await ask(call, "DeleteObject", (request) =>
        client.send(new DeleteObjectCommand({ Bucket, Key: key }), request),
      );
    } catch (error) {
      // Some stores say so, where S3 itself answers that it is gone.
      if (!isMissing(error)) throw error;
    }
  }

  async function sign(
    method: "GET" | "PUT",
    key: string,
    { expiresInSeconds, contentType }: PresignOptions,
  ): Promise<PresignedUrl> {
    const expiresIn = lifeOf(expiresInSeconds, config.presignSeconds);
    const now = storeTime(client);
    const signingDate = new Date(now);
    if (method === "PUT") {
      assertWritableKey(key);
      const headers = {
        ...(contentType !== undefined && { "content-type": contentType }),
        ...keptUnderHeaders(config),
      };
      const command = new PutObjectCommand({
        Bucket,
        Key: key,
        ...(contentType !== undefined && { ContentType: contentType }),
        ...keptUnder(config),
      });
      // Left to itself the presigner signs the host only, and anything could be called anything; and what it moves to the
      // query is not read there by every store.
      const names = Object.keys(headers);
      const url = await getSignedUrl(client, command, {
        expiresIn,
        signingDate,
        signableHeaders: new Set(["host", ...names]),
        unhoistableHeaders: new Set(names),
      });
      return { url, method, headers, expiresAt: now + expiresIn * SECOND };
    }
    assertKeyLength(key);
    if (expiresInSeconds !== undefined && config.publicBaseUrl === undefined) {
      const command = new GetObjectCommand({ Bucket, Key: key });
      const url = await getSignedUrl(client, command, { expiresIn, signingDate });
      return { url, method, headers: {}, expiresAt: now + expiresIn * SECOND };
    }
    const url = await objectUrl(client, config, key, now);
    const expiresAt =
      config.publicBaseUrl === undefined ? windowStart(key, now, expiresIn) + expiresIn * SECOND : null;
    return { url, method, headers: {}, expiresAt };
  }

  return {
    type: "s3",
    async save(key, source, options) {
      assertWritableKey(key);
      return saveSource(parts, key, source, options);
    },
    async load(key, options) {
      assertKeyLength(key);
      const call = open(options);
      try {
        const { answer, body } = await openBody({
          slots,
          call,
          get: (range) =>
            guard(call, "GetObject", () =>
              requestS3(call, "GetObject", (request) =>
                client.send(new GetObjectCommand({ Bucket, Key: key, ...range }), request),
              ),
            ),
        });
        return { ...detailsOf(key, answer), body };
      } catch (error) {
        call.dispose();
        throw isMissing(error) ? notFound(key) : error;
      }
    },
    stat,
    exists: async (key, options) => (await stat(key, options)) !== null,
    async getSize(key, options) {
      const found = await stat(key, options);
      if (found === null) throw notFound(key);
      return found.size;
    },
    getTotalSize: (prefix = "", options) => sizeOf(pages(prefix, options)),
    listFiles: (prefix = "", options) => listing(() => pages(prefix, options)),
    async delete(key, options) {
      assertKeyLength(key);
      await quota.freeing({
        frees: async () => (await stat(key, options))?.size ?? 0,
        remove: () => during(options, (call) => remove(key, call)),
      });
    },
    getPresignedUrl: async (method, key, options = {}) => sign(method, key, options),
  };
}

interface Described {
  ContentLength?: number | undefined;
  LastModified?: Date | undefined;
  ETag?: string | undefined;
  ContentType?: string | undefined;
  VersionId?: string | undefined;
  Metadata?: Record<string, string> | undefined;
}

function detailsOf(key: string, answer: Described): StoredFileDetails {
  const { ContentLength = 0, LastModified, ETag = "", ContentType, VersionId, Metadata } = answer;
  const sha256 = Metadata?.["sha256"];
  return {
    key,
    size: ContentLength,
    lastModified: LastModified?.getTime() ?? 0,
    etag: unquoted(ETag),
    contentType: ContentType ?? "application/octet-stream",
    ...(sha256 !== undefined && { sha256 }),
    ...(VersionId !== undefined && { versionId: VersionId }),
  };
}

function isMissing(error: unknown): boolean {
  const code = isReelsyncError(error) ? s3Code(error.cause) : undefined;
  return code === "NoSuchKey" || code === "NotFound";
}
