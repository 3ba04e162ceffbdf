/**
 * The port to wherever bytes are kept: objects under keys, streams both ways. Knows nothing of records. Both backends pass
 * one contract, `test/agent-sdk/storage/contract.ts`, so a tree saved with one reads the same from the other.
 */
import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { Progress } from "../progress.ts";

export type StorageType = "s3" | "local";

export interface StorageCallOptions {
  signal?: AbortSignal;
  /** Longest time the call may take, all retries included. */
  timeoutMs?: number;
}

export interface SaveOptions extends StorageCallOptions {
  /** Guessed from the key unless given; `application/octet-stream` when nothing can be guessed. */
  contentType?: string;
  onProgress?: (progress: Progress) => void;
}

/** An object as it is stored. */
export interface StoredFile {
  key: string;
  size: number;
  /** Milliseconds since the epoch. */
  lastModified: number;
  /** Unquoted. An S3 ETag is an MD5 only sometimes; compare `sha256` instead. */
  etag: string;
}

export interface StoredFileDetails extends StoredFile {
  contentType: string;
  /** Hex. Absent when the object was not saved by this SDK, or says it nowhere. */
  sha256?: string;
  versionId?: string;
}

export interface SavedFile {
  key: string;
  size: number;
  sha256: string;
  etag: string;
  versionId?: string;
}

export interface LoadedFile extends StoredFileDetails {
  /** The bytes. Read it to its end or destroy it: until then it holds a connection or an open file. */
  body: Readable;
}

export interface PresignOptions extends StorageCallOptions {
  /** Life of the URL, 1 second to 7 days; `S3_PRESIGN_EXPIRATION` unless given. */
  expiresInSeconds?: number;
  /** PUT only: what the one who uploads has to say it is. */
  contentType?: string;
}

export interface PresignedUrl {
  url: string;
  method: "GET" | "PUT";
  /** What has to be sent with the request, exactly. */
  headers: Record<string, string>;
  /** Milliseconds since the epoch, by the store's clock; null for a public URL, which does not expire. */
  expiresAt: number | null;
}

/** Iterates over objects, in the order of their keys' UTF-8 bytes; `pages()` over as many as one request brings. */
export interface FileListing extends AsyncIterable<StoredFile> {
  pages: () => AsyncIterable<readonly StoredFile[]>;
}

export interface StorageBackend {
  readonly type: StorageType;
  /**
   * Stores a path, bytes or a stream under the key, whole or not at all; what was there is replaced. Throws
   * STORAGE_QUOTA_EXCEEDED before any byte moves.
   */
  save: (
    key: string,
    source: string | Uint8Array | Readable | ReadableStream,
    options?: SaveOptions,
  ) => Promise<SavedFile>;
  /** Throws NOT_FOUND when nothing has this key. A connection that breaks is gone on with where it broke. */
  load: (key: string, options?: StorageCallOptions) => Promise<LoadedFile>;
  /** What is known of an object without its bytes; null when nothing has this key. */
  stat: (key: string, options?: StorageCallOptions) => Promise<StoredFileDetails | null>;
  exists: (key: string, options?: StorageCallOptions) => Promise<boolean>;
  /** Throws NOT_FOUND when nothing has this key. */
  getSize: (key: string, options?: StorageCallOptions) => Promise<number>;
  /** Sum of all objects whose keys begin with the prefix. Reads the whole listing, a page at a time. */
  getTotalSize: (prefix?: string, options?: StorageCallOptions) => Promise<number>;
  listFiles: (prefix?: string, options?: StorageCallOptions) => FileListing;
  /** Deleting what is not there is no error. */
  delete: (key: string, options?: StorageCallOptions) => Promise<void>;
  getPresignedUrl: (method: "GET" | "PUT", key: string, options?: PresignOptions) => Promise<PresignedUrl>;
}

/** What the client offers of it. */
export interface StorageAccess {
  /** The bytes themselves, without records: the bucket, or the folder of `STORAGE_TYPE=LOCAL`. */
  readonly storage: StorageBackend;
}
