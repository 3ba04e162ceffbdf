/** The manifest of a mirrored folder, stored among its objects. While nothing changes it is the same bytes. */
import { createHash } from "node:crypto";
import { mirrorManifestSchema } from "../../../contract/manifest.ts";
import type { SavedFile, StorageBackend, StorageCallOptions } from "../storage/storage-backend.ts";

export const MANIFEST_NAME = "manifest.json";

export interface MirroredObject {
  relative: string;
  key: string;
  size: number;
  sha256: string;
}

export async function writeMirrorManifest(
  storage: StorageBackend,
  key: string,
  objects: readonly MirroredObject[],
  { publicUrls, ...options }: StorageCallOptions & { publicUrls: boolean },
): Promise<{ saved: Pick<SavedFile, "size" | "sha256">; isNew: boolean }> {
  const files = await Promise.all(
    objects.map(async ({ relative, ...object }) => ({
      path: relative,
      ...object,
      ...(publicUrls && (await lastingUrl(storage, object.key))),
    })),
  );
  const manifest = mirrorManifestSchema.parse({
    manifestVersion: 1,
    totalSize: files.reduce((sum, { size }) => sum + size, 0),
    files,
  });
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if ((await storage.stat(key, options))?.sha256 === sha256) {
    return { saved: { size: bytes.length, sha256 }, isNew: false };
  }
  const saved = await storage.save(key, bytes, { ...options, contentType: "application/json" });
  return { saved, isNew: true };
}

/** A folder's URLs expire, whatever address the bucket has. */
async function lastingUrl(storage: StorageBackend, key: string): Promise<{ url?: string }> {
  const { url, expiresAt } = await storage.getPresignedUrl("GET", key);
  return expiresAt === null ? { url } : {};
}
