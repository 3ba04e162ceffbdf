/** An asset: one stored media object and its record. One row per version. */
import * as z from "zod";
import { MAX_METADATA_BYTES, MAX_NAME_LENGTH, MAX_OBJECT_BYTES } from "./limits.ts";

export const ASSET_TYPES = [
  "video_chunk",
  "source_code",
  "thumbnail",
  "subtitle",
  "combined_video",
  "combined_subtitle",
  "manifest",
  "transcript",
  "processed",
  "other",
] as const;
export const assetTypeSchema = z.enum(ASSET_TYPES);
export type AssetType = z.infer<typeof assetTypeSchema>;

export const entityTypeSchema = z.enum(["scene", "session", "upload"]);
export type EntityType = z.infer<typeof entityTypeSchema>;

export const assetStatusSchema = z.enum([
  "pending",
  "uploading",
  "ready",
  "error",
  "superseded",
  "missing",
  "deleted",
]);
export type AssetStatus = z.infer<typeof assetStatusSchema>;

export const storageBackendSchema = z.enum(["s3", "local"]);
export type StorageBackendName = z.infer<typeof storageBackendSchema>;

/** Which asset types an entity may hold. `upload` is reserved for the temporary/permanent upload API. */
export const ASSET_TYPES_OF: Record<EntityType, readonly AssetType[]> = {
  scene: ["video_chunk", "source_code", "thumbnail", "subtitle", "transcript", "processed", "other"],
  session: ["combined_video", "combined_subtitle", "manifest", "thumbnail", "transcript", "other"],
  upload: ["video_chunk", "thumbnail", "subtitle", "transcript", "processed", "other"],
};

/** Content types each asset type accepts: a trailing slash accepts the whole family. */
export const CONTENT_TYPES_OF: Record<AssetType, readonly string[]> = {
  video_chunk: ["video/"],
  combined_video: ["video/"],
  thumbnail: ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"],
  subtitle: ["application/x-subrip", "text/vtt", "text/plain"],
  combined_subtitle: ["application/x-subrip", "text/vtt", "text/plain"],
  source_code: [
    "text/",
    "application/json",
    "application/javascript",
    "application/typescript",
    "application/x-python",
  ],
  manifest: ["application/json"],
  transcript: ["text/", "application/json", "application/x-subrip"],
  processed: ["video/", "audio/", "image/", "text/", "application/json"],
  other: ["video/", "audio/", "image/", "text/", "application/"],
};

export function acceptsContentType(assetType: AssetType, contentType: string): boolean {
  const bare = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  // HTML and SVG run script when opened from the bucket's origin, so no asset type takes them.
  if (bare === "text/html" || bare === "application/xhtml+xml" || bare === "image/svg+xml") return false;
  return CONTENT_TYPES_OF[assetType].some((accepted) =>
    accepted.endsWith("/") ? bare.startsWith(accepted) : bare === accepted,
  );
}

export const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in lower-case hex (64 characters)");

/** Small free facts about an asset: flat, so that the console can show and filter them. */
export const metadataSchema = z
  .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/), z.union([z.string(), z.number(), z.boolean()]))
  .refine((metadata) => JSON.stringify(metadata).length <= MAX_METADATA_BYTES, {
    message: `metadata is larger than ${MAX_METADATA_BYTES} bytes as JSON`,
  });
export type Metadata = z.infer<typeof metadataSchema>;

/**
 * Names what a caller is doing, across programs: it goes with an upload from the call to events, logs, the object and the
 * record. Printable ASCII without spaces, because it travels in headers.
 */
export const correlationIdSchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 printable ASCII characters without spaces");

/** What an agent says before bytes move. */
export const assetIntentSchema = z.object({
  /**
   * One upload call, made up by the caller and kept through all its retries and replays: a repeated or late `begin`
   * with the same id finds its own row, so an old call can never put its content over a newer version.
   */
  uploadId: z.uuid(),
  entityType: entityTypeSchema,
  entityId: z.string().min(1),
  assetType: assetTypeSchema,
  /** 0 for everything that comes once; chunks of a scene count from 0. */
  chunkIndex: z.number().int().min(0),
  fileName: z.string().min(1).max(MAX_NAME_LENGTH),
  contentType: z.string().min(3).max(100),
  size: z.number().int().min(1).max(MAX_OBJECT_BYTES),
  sha256: sha256Schema,
  durationMs: z.number().int().min(0).optional(),
  metadata: metadataSchema.optional(),
  /** To be recorded without being shown: the version is committed straight to history and never becomes the current one. */
  historyOnly: z.literal(true).optional(),
  /** Where the agent keeps the bytes; the deployment's bucket unless it says so. */
  storageBackend: storageBackendSchema.optional(),
  /** The upload's own id unless given. */
  correlationId: correlationIdSchema.optional(),
});
export type AssetIntent = z.infer<typeof assetIntentSchema>;

/**
 * The same of content whose hash may still be unknown: a large file is hashed while it is sent, and the hash comes with
 * the commit, or with a repeated `begin`.
 */
export const unhashedIntentSchema = assetIntentSchema.partial({ sha256: true });
export type UnhashedIntent = z.infer<typeof unhashedIntentSchema>;

/** When a call was made, without naming a time of day: two machines would not agree on it. */
export const callMadeSchema = z.object({
  /** Milliseconds ago, measured when this is sent. */
  ageMs: z.number().min(0),
  /** The machine's running clock, and what it showed: orders calls that share it. */
  clock: z.string().min(1).max(100),
  tick: z.number(),
});
export type CallMade = z.infer<typeof callMadeSchema>;
/** What `begin` takes: calls for one place are ordered by when they were made, not by when they arrive. Without `made`: just now. */
export type DatedIntent = UnhashedIntent & { made?: CallMade };

/** What S3 answered after the bytes were stored; a commit is refused without it. */
export const storedObjectSchema = z.object({
  bucket: z.string().min(1),
  etag: z.string().min(1),
  size: z.number().int().min(1),
  versionId: z.string().optional(),
});
export type StoredObject = z.infer<typeof storedObjectSchema>;

/** An asset as queries return it. Holds a key, never a presigned URL. */
export const assetSchema = z.object({
  assetId: z.string(),
  entityType: entityTypeSchema,
  entityId: z.string(),
  assetType: assetTypeSchema,
  chunkIndex: z.number(),
  version: z.number(),
  status: assetStatusSchema,
  s3Key: z.string(),
  /** Canonical `s3://bucket/key` or `local:///key`, never presigned. */
  s3Url: z.string(),
  fileName: z.string(),
  contentType: z.string(),
  size: z.number(),
  /** SHA-256 of the bytes, hex. Empty while they are on their way and hashed as they are sent; never once they are stored. */
  checksum: z.string(),
  etag: z.string().optional(),
  versionId: z.string().optional(),
  durationMs: z.number().optional(),
  errorMessage: z.string().optional(),
  storageBackend: storageBackendSchema,
  metadata: metadataSchema.optional(),
  /** Never was and never becomes the current version. */
  historyOnly: z.literal(true).optional(),
  /** Of the call that opened this version; absent in records of earlier releases. */
  correlationId: correlationIdSchema.optional(),
  createdAt: z.number(),
  /** When the commit was recorded, milliseconds since the epoch; absent before. */
  uploadedAt: z.number().optional(),
});
export type Asset = z.infer<typeof assetSchema>;
