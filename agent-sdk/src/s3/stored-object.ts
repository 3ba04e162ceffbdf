/** What is stored, what S3 answered, and reading that back. */
import { HeadObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3";
import type { StoredObject } from "../../../contract/asset.ts";
import type { Call } from "../call.ts";
import type { S3Config } from "../config.ts";
import { ReelsyncError } from "../errors.ts";
import type { AssetFile } from "../file/asset-file.ts";
import type { Digests } from "../file/hash-file.ts";
import type { PartLedger } from "../journal/part-ledger.ts";
import type { UploadPlan } from "../upload-plan.ts";
import { requestS3 } from "./request-s3.ts";

export interface ObjectToStore {
  key: string;
  contentType: string;
  file: AssetFile;
  plan: UploadPlan;
  /** Of a file in parts they may become known while it is sent. */
  digests: Digests;
  /** The key is this upload's alone, so what is there is what it has sent, be it that it could not say yet what that hashes to. */
  isOwnKey?: boolean;
  /** Of the upload that stores it; a later upload of the same content finds the object there. */
  correlationId?: string;
  /** Bytes S3 has acknowledged; negative when acknowledged parts have to be sent again. */
  onBytes: (bytes: number) => void;
  /** Every byte is sent; what remains is completing and reading back. */
  onVerifying: () => void;
  /** Remembers what S3 has acknowledged beyond this call; a multipart upload begun before is gone on with. */
  parts?: PartLedger;
  /** An earlier process, or an earlier call, may have tried before. */
  again?: boolean;
  /** Whether this upload will be gone on with after the error, so that its parts stay in the bucket. */
  keepsParts?: (error: ReelsyncError) => boolean;
}

/** A year. What is behind a key never changes (see `contract/object-key.ts`). */
const CACHE_SECONDS = 31_536_000;

/** What both ways of storing say about an object. */
export function objectHeaders(config: S3Config, object: ObjectToStore): PutObjectCommandInput {
  const { sha256 } = object.digests;
  return {
    Bucket: config.bucket,
    Key: object.key,
    ContentType: object.contentType,
    CacheControl: `${config.publicBaseUrl === undefined ? "private" : "public"}, max-age=${CACHE_SECONDS}, immutable`,
    Metadata: {
      ...(sha256 !== undefined && { sha256 }),
      ...(object.correlationId !== undefined && { "correlation-id": object.correlationId }),
    },
    ...keptUnder(config),
  };
}

/** Who may read it, and with which key it is encrypted; for every object, whoever sends its bytes. */
export function keptUnder({
  acl,
  kmsKeyId,
}: S3Config): Pick<PutObjectCommandInput, "ACL" | "ServerSideEncryption" | "SSEKMSKeyId"> {
  return {
    ...(acl !== undefined && { ACL: acl }),
    ...(kmsKeyId !== undefined && { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyId }),
  };
}

/** The same as a request's headers, for whoever sends one that was signed here. */
export function keptUnderHeaders(config: S3Config): Record<string, string> {
  const { ACL, ServerSideEncryption, SSEKMSKeyId } = keptUnder(config);
  return {
    ...(ACL !== undefined && { "x-amz-acl": ACL }),
    ...(ServerSideEncryption !== undefined && { "x-amz-server-side-encryption": ServerSideEncryption }),
    ...(SSEKMSKeyId !== undefined && { "x-amz-server-side-encryption-aws-kms-key-id": SSEKMSKeyId }),
  };
}

/** Reads the object's head and compares it with what was sent. */
export async function readBack(
  client: S3Client,
  config: S3Config,
  object: ObjectToStore,
  call: Call,
): Promise<StoredObject> {
  const where = { Bucket: config.bucket, Key: object.key };
  const head = await requestS3(call, "HeadObject", (options) =>
    client.send(new HeadObjectCommand(where), options),
  );
  if (head.ContentLength !== object.file.size || !isOurs(object, head.Metadata?.["sha256"])) {
    throw new ReelsyncError(
      "S3_UNAVAILABLE",
      `S3 shows ${head.ContentLength ?? "no"} bytes under ${object.key}, not the ${object.file.size} that were sent`,
      { requestId: head.$metadata.requestId },
    );
  }
  return storedObject(config, object, head);
}

/** `said`: by its metadata, which the hash is part of when it was known before the first byte was sent. */
function isOurs({ digests: { sha256 }, isOwnKey = false }: ObjectToStore, said: string | undefined): boolean {
  return said === sha256 || (isOwnKey && (said === undefined || sha256 === undefined));
}

export function storedObject(
  config: S3Config,
  object: ObjectToStore,
  answer: { ETag?: string | undefined; VersionId?: string | undefined },
): StoredObject {
  return {
    bucket: config.bucket,
    etag: unquoted(answer.ETag ?? ""),
    size: object.file.size,
    ...(answer.VersionId !== undefined && { versionId: answer.VersionId }),
  };
}

/** Stores disagree about the quotes around an ETag. */
export function unquoted(etag: string): string {
  return etag.replaceAll('"', "");
}
