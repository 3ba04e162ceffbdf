/**
 * What a store really does with what it is asked, found out on a small object of our own that is gone again afterwards.
 * Stores drop in silence what they do not know, so nothing counts because it was sent: a checksum is verified when the
 * store refuses a wrong one and answers the right one back. What cannot be found out is treated as absent.
 *
 * Uploads rely on one of these only, the digest of the body in the request's signature (see `object-store.ts`).
 */
import { randomUUID } from "node:crypto";
import {
  DeleteObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Call } from "../call.ts";
import type { S3Config } from "../config.ts";
import { isReelsyncError } from "../errors.ts";
import { requestS3, withBodyDigest } from "./request-s3.ts";

export interface Capabilities {
  /** A body that is not what its signed SHA-256 says is refused. */
  bodyDigest: boolean;
  /** A wrong CRC-32 is refused, and a right one is answered back. */
  checksum: boolean;
  /** An object that exists is not written again under `If-None-Match: *`. */
  conditionalWrites: boolean;
  /** Every write has a version of its own. */
  versioning: boolean;
}

const BODY = Buffer.from("reelsync");
/** CRC-32 of the body, and another one. */
const RIGHT_CRC32 = "W00EBQ==";
const WRONG_CRC32 = "AAAAAA==";
const WRONG_SHA256 = "0".repeat(64);

const found = new Map<string, Promise<Capabilities>>();

/** Asked once in a process for each endpoint and bucket. `folder` is where an object of ours may be for a moment. */
export function capabilitiesOf(
  client: S3Client,
  config: S3Config,
  folder: string,
  call: Call,
): Promise<Capabilities> {
  const store = `${config.endpoint ?? config.region}/${config.bucket}`;
  const known = found.get(store) ?? probe(client, config.bucket, folder, call);
  found.set(store, known);
  known.catch(() => found.delete(store));
  return known;
}

/** Throws when the bucket does not even take a plain object. */
async function probe(client: S3Client, Bucket: string, folder: string, call: Call): Promise<Capabilities> {
  const Key = `${folder}reelsync-probe-${randomUUID()}`;
  const written: (string | undefined)[] = [];

  async function put(more: Partial<PutObjectCommandInput> = {}, digest?: string) {
    const command = new PutObjectCommand({ Bucket, Key, Body: BODY, ...more });
    const answer = await requestS3(call, "PutObject", (options) =>
      client.send(withBodyDigest(command, digest), options),
    );
    written.push(answer.VersionId);
    return answer;
  }

  /** Whether it was refused for what it was: an outage or a policy proves nothing. */
  async function refuses(
    status: 400 | 412,
    more: Partial<PutObjectCommandInput>,
    digest?: string,
  ): Promise<boolean> {
    try {
      await put(more, digest);
      return false;
    } catch (error) {
      return isReelsyncError(error) && statusOf(error.cause) === status;
    }
  }

  try {
    const plain = await put();
    const bodyDigest = await refuses(400, {}, WRONG_SHA256);
    const answer = await put({ ChecksumCRC32: RIGHT_CRC32 }).catch(() => undefined);
    const checksum =
      answer?.ChecksumCRC32 === RIGHT_CRC32 && (await refuses(400, { ChecksumCRC32: WRONG_CRC32 }));
    const conditionalWrites = await refuses(412, { IfNoneMatch: "*" });
    const versioning = plain.VersionId !== undefined && plain.VersionId !== "null";
    return { bodyDigest, checksum, conditionalWrites, versioning };
  } finally {
    for (const VersionId of new Set(written)) {
      const gone = new DeleteObjectCommand({ Bucket, Key, ...(VersionId !== undefined && { VersionId }) });
      // What stays is a few bytes below temp/, which the bucket's rule removes.
      await requestS3(call, "DeleteObject", (options) => client.send(gone, options)).catch(() => undefined);
    }
  }
}

function statusOf(cause: unknown): number | undefined {
  return (cause as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}
