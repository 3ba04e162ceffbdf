/** The arguments and the answer of `uploadWithConvexSync`, and what can be refused about them without opening a file. */
import { basename } from "node:path";
import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import {
  acceptsContentType,
  ASSET_TYPES_OF,
  assetIntentSchema,
  entityTypeSchema,
  type AssetIntent,
  type AssetType,
  type EntityType,
  type Metadata,
  type UnhashedIntent,
} from "../../contract/asset.ts";
import { MAX_NAME_LENGTH } from "../../contract/limits.ts";
import { ReelsyncError } from "./errors.ts";
import { refuseNoFile, type AssetFile } from "./file/asset-file.ts";
import { guessContentType, usualFileName } from "./file/content-type.ts";
import type { Progress } from "./progress.ts";

export interface UploadRequest {
  /** A path, bytes in memory, or a stream (Node's or the web's). */
  file: string | Uint8Array | Readable | ReadableStream;
  entity: { type: EntityType; id: string };
  assetType: AssetType;
  /** Place among the chunks of a scene, from 0. */
  chunkIndex?: number;
  /** For people and for the object's key; the path's last segment unless given. */
  fileName?: string;
  contentType?: string;
  durationMs?: number;
  metadata?: Metadata;
  /** Records the upload without showing it: its version goes straight to history and never becomes the current one. */
  historyOnly?: boolean;
  /** What this upload is called elsewhere: goes with it to events, logs, the object and the record. Its id unless given. */
  correlationId?: string;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /** Longest time this call may take, all retries included. */
  timeoutMs?: number;
}

/** What the line itself takes: also a function that opens a file of the SDK's own, which the line closes. */
export type LineRequest = Omit<UploadRequest, "file"> & {
  file: UploadRequest["file"] | (() => Promise<AssetFile>);
};

/** Tell the two apart by `state`. */
export type UploadResult = PublishedUpload | QueuedUpload | SkippedUpload;

/** The bytes are in S3 and their record is in Convex. */
export interface PublishedUpload {
  uploadId: string;
  assetId: string;
  s3Key: string;
  /** A presigned URL of limited life, or the public one where the bucket has one. Never stored anywhere. */
  url: string;
  version: number;
  sha256: string;
  size: number;
  /** True when the entity already held this very content: no bytes were sent. */
  deduped: boolean;
  /** 1 when nothing had to be repeated. */
  attempts: number;
  /** `superseded`: recorded, but a newer version was committed meanwhile and stays the current one. */
  state: "ready" | "superseded";
}

/**
 * The upload is durable on this machine: S3 or Convex is down, and it is sent when both are back; or the rollout stage
 * is `end-of-run`, and it is sent at the end of the run. Mode `queue` only.
 */
export interface QueuedUpload {
  state: "queued";
  uploadId: string;
  sha256: string;
  size: number;
  // Declared, so that they can be asked for before `state` is.
  assetId?: undefined;
  s3Key?: undefined;
  url?: undefined;
  version?: undefined;
  deduped?: undefined;
  attempts?: undefined;
}

/** The rollout stage is `off`: nothing was read, sent or kept. A strict client throws ROLLOUT_OFF instead. */
export interface SkippedUpload {
  state: "skipped";
  uploadId: string;
  // Never there; declared, so that they can be asked for before `state` is.
  sha256?: string;
  size?: number;
  assetId?: undefined;
  s3Key?: undefined;
  url?: undefined;
  version?: undefined;
  deduped?: undefined;
  attempts?: undefined;
}

/** Everything of an intent but the content's own size and hash. */
export type Described = Omit<AssetIntent, "size" | "sha256">;

/** Made once: a schema is compiled at its first use. */
const describedSchema = assetIntentSchema.omit({ size: true, sha256: true });

/** Throws a coded error for what is wrong with the arguments themselves. */
export function describeUpload(request: LineRequest, uploadId: string): Described {
  const { entity, assetType, chunkIndex = 0, durationMs, metadata, historyOnly, correlationId } = request;
  assertHolds(entity, assetType);
  const { fileName, contentType } = nameAndType(request);
  const described = describedSchema.safeParse({
    uploadId,
    entityType: entity.type,
    entityId: entity.id,
    assetType,
    chunkIndex,
    fileName,
    contentType,
    ...(durationMs !== undefined && { durationMs: Math.round(durationMs) }),
    ...(metadata !== undefined && { metadata }),
    ...(historyOnly === true && { historyOnly }),
    ...(correlationId !== undefined && { correlationId }),
  });
  if (!described.success) {
    const faults = described.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new ReelsyncError("INVALID_ARGUMENT", faults.join("; "));
  }
  if (!acceptsContentType(assetType, contentType)) {
    throw new ReelsyncError(
      "CONTENT_TYPE_FORBIDDEN",
      `An asset of type ${assetType} cannot be ${contentType}`,
    );
  }
  return described.data;
}

export function assertHolds(entity: UploadRequest["entity"] | null | undefined, assetType: AssetType): void {
  if (typeof entity !== "object" || entity === null) {
    throw new ReelsyncError("INVALID_ARGUMENT", 'entity is missing: pass { type: "scene", id }');
  }
  if (!entityTypeSchema.safeParse(entity.type).success) {
    throw new ReelsyncError(
      "INVALID_ARGUMENT",
      `entity.type is "${entity.type}", expected ${entityTypeSchema.options.join(", ")}`,
    );
  }
  if (!ASSET_TYPES_OF[entity.type].includes(assetType)) {
    throw new ReelsyncError(
      "INVALID_ASSET_TYPE",
      `A ${entity.type} holds no ${assetType}, only ${ASSET_TYPES_OF[entity.type].join(", ")}`,
    );
  }
}

function nameAndType({ file, assetType, fileName, contentType }: LineRequest) {
  const name =
    fileName ?? (typeof file === "string" ? basename(file) : usualFileName(assetType, contentType)) ?? "";
  const type = contentType ?? guessContentType(name, assetType);
  if (name === "" || type === undefined) {
    // A path that leads to no file is the fault to mend first.
    if (typeof file === "string") refuseNoFile(file);
    throw new ReelsyncError(
      "INVALID_ARGUMENT",
      `The content type of ${name === "" ? `an asset of type ${assetType}` : `"${name}"`} cannot be guessed`,
      { hint: "Pass contentType (--content-type on the command line)." },
    );
  }
  return { fileName: shortened(name), contentType: type };
}

/** Keeps the end, where the extension is. */
function shortened(name: string): string {
  return name.length > MAX_NAME_LENGTH ? name.slice(-MAX_NAME_LENGTH) : name;
}

/** The request an intent came from, for an upload that is sent again. */
export function requestOf(intent: UnhashedIntent, file: string): UploadRequest {
  const { uploadId: _id, sha256: _hash, size: _size, storageBackend: _kept, ...content } = intent;
  const { entityType, entityId, ...rest } = content;
  const { durationMs, metadata, historyOnly, correlationId, ...described } = rest;
  return {
    ...described,
    file,
    entity: { type: entityType, id: entityId },
    ...(durationMs !== undefined && { durationMs }),
    ...(metadata !== undefined && { metadata }),
    ...(historyOnly !== undefined && { historyOnly }),
    ...(correlationId !== undefined && { correlationId }),
  };
}
