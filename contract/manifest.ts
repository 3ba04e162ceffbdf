/**
 * `manifest.json`: what a session holds, for whoever reads the bucket without the database. It says the same for the same
 * content, so it has no time in it; and it is stored, so it has no URL that expires.
 */
import * as z from "zod";
import { assetTypeSchema, sha256Schema } from "./asset.ts";

const manifestAssetSchema = z.object({
  assetId: z.string(),
  assetType: assetTypeSchema,
  chunkIndex: z.number().int().min(0),
  version: z.number().int().min(1),
  fileName: z.string(),
  contentType: z.string(),
  size: z.number().int().min(1),
  sha256: sha256Schema,
  s3Key: z.string(),
  /** Canonical `s3://bucket/key`. */
  s3Url: z.string(),
  durationMs: z.number().optional(),
  /** In a stored manifest only where the bucket has a public address, which does not expire. */
  url: z.string().optional(),
});
export type ManifestAsset = z.infer<typeof manifestAssetSchema>;

export const manifestSchema = z.object({
  /** Of this format; a reader refuses one it does not know. */
  manifestVersion: z.literal(1),
  sessionId: z.string(),
  title: z.string(),
  totalSize: z.number().int().min(0),
  /** The session's own, without the manifest itself. */
  assets: z.array(manifestAssetSchema),
  /** In the order they are played. */
  scenes: z.array(
    z.object({
      sceneId: z.string(),
      sceneKey: z.string(),
      index: z.number().int().min(0),
      title: z.string(),
      assets: z.array(manifestAssetSchema),
    }),
  ),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** `manifest.json` of a mirrored folder: the objects that came from it, without records. */
export const mirrorManifestSchema = z.object({
  manifestVersion: z.literal(1),
  totalSize: z.number().int().min(0),
  /** In the order of their keys. */
  files: z.array(
    z.object({
      /** In the folder, with "/". */
      path: z.string(),
      key: z.string(),
      size: z.number().int().min(1),
      sha256: sha256Schema,
      /** Only where the bucket has a public address, which does not expire. */
      url: z.string().optional(),
    }),
  ),
});
