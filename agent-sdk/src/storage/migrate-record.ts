/**
 * One record's bytes from one storage to the other:
 *
 *   prepare ─ copy (unless a verified copy is there) ─ read back and hash ─ flip the record ─ delete the source, if asked
 *
 * Killed anywhere, it is simply done again: until the flip the record says the source, which is not touched before. The
 * flip is the deployment's one mutation, and is refused when the record is not what was copied any more.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { StoredObject } from "../../../contract/asset.ts";
import { openCall, type Call } from "../call.ts";
import { ReelsyncError } from "../errors.ts";
import { withTemporaryFolder } from "../file/temporary-file.ts";
import { fetchAsset, fromStorage } from "../media/fetch-asset.ts";
import type { SavedFile, StorageBackend, StoredFileDetails } from "./storage-backend.ts";

/** A record as the deployment lists it. */
export interface RecordToMove {
  assetId: string;
  s3Key: string;
  size: number;
  sha256: string;
  contentType: string;
}

export interface Storage {
  backend: StorageBackend;
  /** As records name it. */
  bucket: string;
}

export interface MigrationParts {
  from: Storage;
  to: Storage;
  deleteSource: boolean;
  timeoutMs: number;
  prepare: (assetId: string) => Promise<{ bucket: string; preparedAt: number }>;
  flip: (moved: {
    assetId: string;
    sha256: string;
    object: StoredObject;
    preparedAt: number;
    deleteSource: boolean;
  }) => Promise<{ moved: true; sourceHeld: boolean } | { moved: false; why: string }>;
  onBytes: (bytes: number) => void;
}

export type Migrated =
  | { state: "moved"; copied: boolean; sourceDeleted: boolean }
  /** The record is not what it was when it was listed; nothing was changed. */
  | { state: "skipped"; why: string };

export async function migrateRecord(
  parts: MigrationParts,
  record: RecordToMove,
  signal: AbortSignal,
): Promise<Migrated> {
  const { from, to } = parts;
  const call = openCall({ timeoutMs: parts.timeoutMs, signal });
  try {
    const { bucket, preparedAt } = await parts.prepare(record.assetId);
    if (bucket !== to.bucket) {
      throw new ReelsyncError(
        "BUCKET_MISMATCH",
        `Copies would go to "${to.bucket}", the deployment keeps such objects in "${bucket}"`,
      );
    }
    const source = await from.backend.stat(record.s3Key, limits(call));
    const there = await verifiedCopy(to.backend, record, call);
    if (there !== undefined) parts.onBytes(record.size);
    const copy = there ?? (await copyBytes(parts, record, call));
    const flipped = await parts.flip({
      assetId: record.assetId,
      sha256: record.sha256,
      object: storedObject(to.bucket, copy),
      preparedAt,
      deleteSource: parts.deleteSource,
    });
    if (!flipped.moved) return { state: "skipped", why: flipped.why };
    const deletes = parts.deleteSource && !flipped.sourceHeld;
    const sourceDeleted = deletes && (await deleteSource(from.backend, record, source, call));
    return { state: "moved", copied: there === undefined, sourceDeleted };
  } finally {
    call.dispose();
  }
}

/** The source is verified before a byte of it is put anywhere, the copy before the record may say it. */
async function copyBytes(
  parts: MigrationParts,
  record: RecordToMove,
  call: Call,
): Promise<StoredFileDetails> {
  await withTemporaryFolder("migrate", async (folder) => {
    const path = join(folder, "bytes");
    const asset = { ...record, checksum: record.sha256, status: "ready" as const };
    await fetchAsset(fromStorage(parts.from.backend), asset, path, call, parts.onBytes);
    await parts.to.backend.save(record.s3Key, path, { contentType: record.contentType, ...limits(call) });
  });
  const copy = await verifiedCopy(parts.to.backend, record, call);
  if (copy !== undefined) return copy;
  throw new ReelsyncError("ASSET_DAMAGED", `The copy of ${record.s3Key} is not what was copied`);
}

/** The object under the key if every byte of it is the record's. What it says of itself is not enough: it is read. */
async function verifiedCopy(
  storage: StorageBackend,
  { s3Key, size, sha256 }: RecordToMove,
  call: Call,
): Promise<StoredFileDetails | undefined> {
  const found = await storage.stat(s3Key, limits(call));
  if (found?.size !== size) return undefined;
  const { body, ...details } = await storage.load(s3Key, limits(call));
  const hash = createHash("sha256");
  await pipeline(body, hash, { signal: call.signal });
  return hash.digest("hex") === sha256 ? details : undefined;
}

/** The bucket's object goes through the deployment's quarantine; a file is deleted here, unless it was written anew. */
async function deleteSource(
  storage: StorageBackend,
  { s3Key }: RecordToMove,
  source: StoredFileDetails | null,
  call: Call,
): Promise<boolean> {
  if (storage.type === "s3") return true;
  const now = await storage.stat(s3Key, limits(call));
  if (now === null) return true;
  if (now.etag !== source?.etag) return false;
  await storage.delete(s3Key, limits(call));
  return true;
}

function storedObject(bucket: string, copy: SavedFile | StoredFileDetails): StoredObject {
  const { etag, size, versionId } = copy;
  return { bucket, etag, size, ...(versionId !== undefined && { versionId }) };
}

function limits(call: Call) {
  return { signal: call.signal, timeoutMs: Math.max(1, call.remainingMs()) };
}
