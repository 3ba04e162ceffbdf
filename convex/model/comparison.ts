/**
 * Compares a stretch of the bucket with the records of the same stretch. Pure: both sides come in key order from elsewhere. What is young or
 * still being uploaded is nobody's fault and never judged.
 */
import type { AssetStatus, StorageBackendName } from "../../contract/asset.ts";
import { REPAIR_OF } from "../../contract/reconcile.ts";
import type { FindingKind, Repair } from "../../contract/reconcile.ts";
import type { Id } from "../_generated/dataModel";
import type { ListedObject } from "./objectStore.ts";
import { present } from "./present.ts";

export interface ComparedRecord {
  assetId: Id<"assets">;
  storageBackend: StorageBackendName;
  bucket: string;
  s3Key: string;
  status: AssetStatus;
  size: number;
  uploadedAt?: number;
  errorMessage?: string;
}

export interface Finding {
  kind: FindingKind;
  repair: Repair;
  s3Key: string;
  reason: string;
  objectSize?: number;
  objectEtag?: string;
  lastModified?: number;
  recordSize?: number;
  assetId?: Id<"assets">;
}

/** What is wrong with an object, given every record of its key. */
export function judgeObject(
  object: ListedObject,
  records: readonly ComparedRecord[],
  youngerThan: number,
): Finding[] {
  if (object.lastModified > youngerThan) return [];
  if (records.some(({ status }) => status === "pending" || status === "uploading")) return [];
  // A file kept in a folder: its object here is what a migration has left or is about to need.
  if (records.some(isKeptLocally)) return [];
  const stored = records.filter(isStored);
  if (stored.length > 0) {
    return stored
      .filter((record) => record.size !== object.size)
      .map((record) =>
        finding("size_mismatch", {
          ...seen(object),
          recordSize: record.size,
          assetId: record.assetId,
          reason: `S3 holds ${object.size} bytes under this key; the ${record.status} record says ${record.size}.`,
        }),
      );
  }
  // A record marked missing whose object is back is not an orphan: its content is wanted.
  if (records.some(({ status }) => status === "missing")) return [];
  const [record] = records;
  return [
    finding("object_without_record", {
      ...seen(object),
      ...present({ assetId: record?.assetId }),
      reason:
        record === undefined
          ? "No record has this key: its upload was never announced, or its record is gone."
          : `Its only record is ${record.status}: ${record.errorMessage ?? "no cause was recorded"}.`,
    }),
  ];
}

/** A record that claims an object, for a key the listing did not show. The caller proves it with a HEAD before it calls this. */
export function lostRecord(record: ComparedRecord): Finding {
  return finding("record_without_object", {
    s3Key: record.s3Key,
    recordSize: record.size,
    assetId: record.assetId,
    reason: `The record is ${record.status}, but S3 answers "not found" for its key.`,
  });
}

/** Not in the bucket, so nothing about the bucket can be said of it. */
export function isKeptLocally(record: Pick<ComparedRecord, "storageBackend">): boolean {
  return record.storageBackend === "local";
}

export function isStored(record: Pick<ComparedRecord, "status">): boolean {
  return record.status === "ready" || record.status === "superseded";
}

function seen(object: ListedObject) {
  return {
    s3Key: object.s3Key,
    objectSize: object.size,
    objectEtag: object.etag,
    lastModified: object.lastModified,
  };
}

function finding(kind: FindingKind, facts: Omit<Finding, "kind" | "repair">): Finding {
  return { kind, repair: REPAIR_OF[kind], ...facts };
}
