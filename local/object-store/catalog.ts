/**
 * What the store holds, in memory: buckets, objects, multipart uploads. It changes in one way only, by applying a
 * `Change`; a restart applies the same changes again from the journal, so memory and disk cannot disagree.
 * Checks nothing: conditions and limits are the operations' business.
 */
import type { Checksum, ChecksumAlgorithm, ChecksumType } from "./checksums.ts";
import type { CorsRule } from "./cors.ts";
import { KeyIndex } from "./key-index.ts";
import type { Segment } from "./segments.ts";

/** What the client says about an object besides its bytes; returned as it came. */
export interface ObjectAttributes {
  /** Content-Type and the other content headers, by lower-case name. */
  headers: Record<string, string>;
  /** User metadata without the `x-amz-meta-` prefix; values hold one character per byte received. */
  metadata: Record<string, string>;
  tags: Record<string, string>;
}

export interface StoredObject extends ObjectAttributes {
  size: number;
  /** Without quotes. */
  etag: string;
  modifiedMs: number;
  segments: Segment[];
  checksum?: Checksum | undefined;
  /** Present on objects made by a multipart upload; one segment is one part then. */
  partSizes?: number[] | undefined;
}

export interface UploadPart {
  size: number;
  etag: string;
  modifiedMs: number;
  segments: Segment[];
  /** Base64 by algorithm. */
  checksum?: { algorithm: ChecksumAlgorithm; value: string } | undefined;
}

interface UploadIdentity {
  id: string;
  key: string;
  initiatedMs: number;
  attributes: ObjectAttributes;
  checksum?: { algorithm: ChecksumAlgorithm; type: ChecksumType } | undefined;
}

export interface MultipartUpload extends UploadIdentity {
  parts: Map<number, UploadPart>;
}

/** Remembered so that a client that lost the reply to Complete can ask again. */
export interface CompletedUpload {
  key: string;
  etag: string;
  checksum?: Checksum | undefined;
  completedMs: number;
}

export interface Bucket {
  name: string;
  createdMs: number;
  region: string;
  cors: CorsRule[] | undefined;
  objects: KeyIndex<StoredObject>;
  uploads: Map<string, MultipartUpload>;
  completedUploads: Map<string, CompletedUpload>;
}

export type Change =
  | { op: "createBucket"; bucket: string; createdMs: number; region: string }
  | { op: "deleteBucket"; bucket: string }
  | { op: "setCors"; bucket: string; rules: CorsRule[] | null }
  | { op: "putObject"; bucket: string; key: string; object: StoredObject }
  | { op: "deleteObjects"; bucket: string; keys: string[] }
  | { op: "createUpload"; bucket: string; upload: UploadIdentity }
  | { op: "putPart"; bucket: string; uploadId: string; partNumber: number; part: UploadPart }
  | { op: "abortUpload"; bucket: string; uploadId: string }
  | { op: "completeUpload"; bucket: string; uploadId: string; object: StoredObject }
  | { op: "rememberCompleted"; bucket: string; uploadId: string; completed: CompletedUpload };

/** Told which segments come into and go out of use. */
export interface SegmentReferences {
  retain(segments: readonly Segment[]): void;
  release(segments: readonly Segment[]): void;
}

const COMPLETED_UPLOAD_MEMORY_MS = 24 * 60 * 60 * 1000;

export class Catalog {
  readonly buckets = new Map<string, Bucket>();
  readonly #references: SegmentReferences;

  constructor(references: SegmentReferences) {
    this.#references = references;
  }

  apply(change: Change): void {
    if (change.op === "createBucket") {
      this.buckets.set(change.bucket, {
        name: change.bucket,
        createdMs: change.createdMs,
        region: change.region,
        cors: undefined,
        objects: new KeyIndex(),
        uploads: new Map(),
        completedUploads: new Map(),
      });
      return;
    }
    const bucket = this.buckets.get(change.bucket);
    if (bucket === undefined)
      throw new Error(`Change ${change.op} names the unknown bucket ${change.bucket}.`);
    this.#applyToBucket(bucket, change);
  }

  #applyToBucket(bucket: Bucket, change: Exclude<Change, { op: "createBucket" }>): void {
    switch (change.op) {
      case "deleteBucket":
        for (const id of bucket.uploads.keys()) this.#dropUpload(bucket, id);
        this.buckets.delete(bucket.name);
        return;
      case "setCors":
        bucket.cors = change.rules ?? undefined;
        return;
      case "putObject":
        this.#putObject(bucket, change.key, change.object);
        return;
      case "deleteObjects":
        for (const key of change.keys) {
          const object = bucket.objects.get(key);
          if (object === undefined) continue;
          bucket.objects.delete(key);
          this.#references.release(object.segments);
        }
        return;
      case "createUpload":
        bucket.uploads.set(change.upload.id, { ...change.upload, parts: new Map() });
        return;
      case "putPart": {
        const { parts } = requireUpload(bucket, change.uploadId);
        this.#references.retain(change.part.segments);
        this.#references.release(parts.get(change.partNumber)?.segments ?? []);
        parts.set(change.partNumber, change.part);
        return;
      }
      case "abortUpload":
        this.#dropUpload(bucket, change.uploadId);
        return;
      case "completeUpload": {
        const { key } = requireUpload(bucket, change.uploadId);
        const { etag, checksum, modifiedMs } = change.object;
        this.#putObject(bucket, key, change.object);
        this.#dropUpload(bucket, change.uploadId);
        bucket.completedUploads.set(change.uploadId, { key, etag, checksum, completedMs: modifiedMs });
        return;
      }
      case "rememberCompleted":
        bucket.completedUploads.set(change.uploadId, change.completed);
        return;
      default:
        change satisfies never;
    }
  }

  /** How many changes `snapshot` would give, about. */
  get changeCount(): number {
    let count = 0;
    for (const bucket of this.buckets.values()) {
      count += 2 + bucket.objects.size + bucket.completedUploads.size;
      for (const upload of bucket.uploads.values()) count += 1 + upload.parts.size;
    }
    return count;
  }

  /** The shortest list of changes that leads here from nothing. */
  *snapshot(nowMs: number): Generator<Change> {
    for (const bucket of this.buckets.values()) {
      const { name, createdMs, region, cors } = bucket;
      yield { op: "createBucket", bucket: name, createdMs, region };
      if (cors !== undefined) yield { op: "setCors", bucket: name, rules: cors };
      for (const [key, object] of bucket.objects.entries())
        yield { op: "putObject", bucket: name, key, object };
      for (const { parts, ...upload } of bucket.uploads.values()) {
        yield { op: "createUpload", bucket: name, upload };
        for (const [partNumber, part] of parts) {
          yield { op: "putPart", bucket: name, uploadId: upload.id, partNumber, part };
        }
      }
      for (const [uploadId, completed] of bucket.completedUploads) {
        if (nowMs - completed.completedMs > COMPLETED_UPLOAD_MEMORY_MS) continue;
        yield { op: "rememberCompleted", bucket: name, uploadId, completed };
      }
    }
  }

  #putObject(bucket: Bucket, key: string, object: StoredObject): void {
    // Retain before releasing: a copy of an object onto itself shares its segments.
    this.#references.retain(object.segments);
    this.#references.release(bucket.objects.get(key)?.segments ?? []);
    bucket.objects.set(key, shareEmpty(object));
  }

  #dropUpload(bucket: Bucket, uploadId: string): void {
    for (const part of requireUpload(bucket, uploadId).parts.values())
      this.#references.release(part.segments);
    bucket.uploads.delete(uploadId);
  }
}

const NOTHING: Record<string, string> = Object.freeze({});
const orNothing = (record: Record<string, string>): Record<string, string> =>
  Object.keys(record).length === 0 ? NOTHING : record;

/** Most objects have no metadata and no tags; of a million, the empty records would be a tenth of the memory. */
function shareEmpty(object: StoredObject): StoredObject {
  const { headers, metadata, tags } = object;
  return { ...object, headers: orNothing(headers), metadata: orNothing(metadata), tags: orNothing(tags) };
}

function requireUpload(bucket: Bucket, uploadId: string): MultipartUpload {
  const upload = bucket.uploads.get(uploadId);
  if (upload === undefined) throw new Error(`A change names the unknown upload ${uploadId}.`);
  return upload;
}
