/**
 * Bytes into the bucket and URLs out of it. Knows nothing of Convex.
 *
 * What is verified before an object counts as stored:
 * - an object in one request carries its SHA-256 in the signature (`x-amz-content-sha256`), which is known from the pass
 *   that hashed the file; a store that speaks SigV4 hashes what it receives and refuses anything else. So the stored
 *   bytes are the hashed bytes, whatever happened to the file or on the wire in between;
 * - the parts of a larger one do so where nothing else guards them on their way (`S3_SIGN_PARTS`). Over TLS every record
 *   of the wire is authenticated, and a second hash of each byte on both sides would cost a quarter of the time
 *   (measured); a file that is written to meanwhile is noticed by its mark, after the bytes as before them;
 * - after a multipart upload a HEAD: size, and the `sha256` metadata given when it was created, if the hash was known
 *   then; otherwise nothing else is ever stored under its key. Its ETag is read there too, because some stores answer the
 *   completion without one.
 * MD5 is computed nowhere: it would cost more than everything else together, and under KMS an ETag is no MD5.
 */
import { HeadObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { StoredObject } from "../../../contract/asset.ts";
import { SECOND } from "../../../contract/limits.ts";
import { openCall, type Call } from "../call.ts";
import type { S3Config } from "../config.ts";
import { codedError, isReelsyncError, type ReelsyncError } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Guard } from "../resilience/guard.ts";
import { createMultipartUpload, removeParts } from "./multipart-upload.ts";
import { objectUrl } from "./object-url.ts";
import { requestS3 } from "./request-s3.ts";
import { createS3Client } from "./s3-client.ts";
import { s3Code } from "./s3-errors.ts";
import { putWhole } from "./single-put.ts";
import type { StorageType } from "../storage/storage-backend.ts";
import { createQuota } from "../storage/storage-quota.ts";
import { planUpload, type MultipartPlan, type UploadPlan } from "../upload-plan.ts";
import type { ObjectToStore } from "./stored-object.ts";
import type { TransferSlots } from "./transfer-slots.ts";

export interface ObjectStore {
  readonly type: StorageType;
  readonly bucket: string;
  /** How a file of this size goes into this store. */
  plan: (size: number) => UploadPlan;
  /**
   * Throws when the bucket or the credentials are wrong from the start, so that nothing is begun for nothing. Asks once
   * per client; an outage, or a key that may write but not list, says nothing and lets the upload go on.
   */
  assertUsable: (call: Call) => Promise<void>;
  store: (object: ObjectToStore, call: Call) => Promise<StoredObject>;
  /** Removes the parts of an upload that nobody will go on with. Never throws. */
  abandonParts: (key: string, s3UploadId: string) => Promise<void>;
  url: (key: string) => Promise<string>;
  close: () => void;
}

const CHECK_TIMEOUT_MS = 5 * SECOND;
/** Cleaning up may not keep a failed upload from reporting its failure. */
const ABANDON_TIMEOUT_MS = 10 * SECOND;

export function createObjectStore(
  config: S3Config,
  slots: TransferSlots,
  guard: Guard,
  events: Events,
  client = createS3Client(config),
  quota = createQuota(undefined, async () => 0),
): ObjectStore {
  let usable: Promise<void> | undefined;

  async function check(signal: AbortSignal): Promise<void> {
    const call = openCall({ timeoutMs: CHECK_TIMEOUT_MS, signal });
    try {
      const command = new ListObjectsV2Command({ Bucket: config.bucket, MaxKeys: 1 });
      await requestS3(call, "ListObjectsV2", (options) => client.send(command, options));
    } catch (error) {
      if (isReelsyncError(error) && isConclusive(error)) throw error;
    } finally {
      call.dispose();
    }
  }

  async function storeParts(
    object: ObjectToStore & { plan: MultipartPlan },
    call: Call,
  ): Promise<StoredObject> {
    const upload = createMultipartUpload(client, config, slots, object);
    try {
      return await guard(call, "multipart upload", () => upload.attempt(call));
    } catch (error) {
      if (object.parts === undefined || object.keepsParts?.(codedError(error)) !== true) {
        await cleanUp(object.key, upload.s3UploadId, upload.abandon);
        object.parts?.forget();
      }
      throw error;
    }
  }

  async function cleanUp(
    s3Key: string,
    s3UploadId: string | undefined,
    work: (call: Call) => Promise<void>,
  ): Promise<void> {
    const call = openCall({ timeoutMs: ABANDON_TIMEOUT_MS });
    try {
      await work(call);
    } catch (error) {
      const code = isReelsyncError(error) ? error.code : "S3_REFUSED";
      if (s3UploadId !== undefined) events.emit({ type: "multipart.abandoned", s3Key, s3UploadId, code });
    } finally {
      call.dispose();
    }
  }

  /** Only asked where the bucket has a limit. */
  async function sizeOf(key: string, call: Call): Promise<number> {
    try {
      const command = new HeadObjectCommand({ Bucket: config.bucket, Key: key });
      const head = await guard(call, "HeadObject", () =>
        requestS3(call, "HeadObject", (options) => client.send(command, options)),
      );
      return head.ContentLength ?? 0;
    } catch (error) {
      if (isReelsyncError(error) && s3Code(error.cause) === "NotFound") return 0;
      throw error;
    }
  }

  return {
    type: "s3",
    bucket: config.bucket,
    plan: (size) => planUpload(size, config),
    async assertUsable(call) {
      usable ??= check(call.signal);
      try {
        await usable;
      } catch (error) {
        usable = undefined;
        throw error;
      }
    },
    store: (object, call) =>
      quota.during(object.file.size, {
        replaces: () => sizeOf(object.key, call),
        async store() {
          const { plan } = object;
          if (plan.kind === "multipart") return storeParts({ ...object, plan }, call);
          return guard(call, "PutObject", () => putWhole(client, config, slots, object, call));
        },
      }),
    abandonParts: (s3Key, s3UploadId) =>
      cleanUp(s3Key, s3UploadId, (call) =>
        removeParts(client, { Bucket: config.bucket, Key: s3Key, UploadId: s3UploadId }, call),
      ),
    url: (key) => objectUrl(client, config, key),
    close: () => client.destroy(),
  };
}

/** Not S3_ACCESS_DENIED: uploading needs no permission to list. */
function isConclusive({ code }: ReelsyncError): boolean {
  return code === "S3_REGION_WRONG" || code === "BUCKET_NOT_FOUND" || code === "S3_CREDENTIALS_INVALID";
}
