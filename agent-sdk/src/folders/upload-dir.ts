/**
 * `uploadDir`: a folder's tree under a prefix of the bucket, structure kept, bytes only. What is there with the same
 * SHA-256 is not sent again; nothing is deleted.
 */
import { basename, resolve } from "node:path";
import pMap from "p-map";
import { mirrorKey } from "../../../contract/key-layouts.ts";
import { codedError, ReelsyncError } from "../errors.ts";
import { MANIFEST_NAME, writeMirrorManifest } from "../manifest/mirror-manifest.ts";
import type { Progress } from "../progress.ts";
import type { StorageBackend } from "../storage/storage-backend.ts";
import { hashPath } from "./hash-path.ts";
import { readFolder, type FolderFile, type SkippedFile } from "./read-folder.ts";

export interface UploadDirOptions {
  /** Patterns as in a .gitignore, beside those of the folder's `.reelsyncignore`. */
  ignore?: readonly string[];
  /** Folder under the prefix; the local folder's name in kebab-case unless given, and none when it is "". */
  topic?: string;
  /** Files under way at once (8 unless set). */
  concurrency?: number;
  /** Writes a `manifest.json` beside the files: keys, sizes and hashes of what is there from this folder. */
  manifest?: boolean;
  /** Told how far each file is. */
  onProgress?: (relative: string, progress: Progress) => void;
  signal?: AbortSignal;
}

export interface MirroredFile {
  relative: string;
  key: string;
  size: number;
}

export interface UploadDirResult {
  uploaded: (MirroredFile & { sha256: string })[];
  /** There already, with the same content. */
  unchanged: (MirroredFile & { sha256: string })[];
  /** One that failed leaves the others alone. */
  failed: (MirroredFile & { error: ReelsyncError })[];
  skipped: SkippedFile[];
}

const FILES_AT_ONCE = 8;

export interface UploadDirParts {
  storage: StorageBackend;
  /** Whether the bucket has a public address. */
  publicUrls: boolean;
}

export async function uploadDir(
  { storage, publicUrls }: UploadDirParts,
  localRoot: string,
  prefix: string,
  options: UploadDirOptions = {},
): Promise<UploadDirResult> {
  const { ignore, topic = basename(resolve(localRoot)), concurrency = FILES_AT_ONCE, signal } = options;
  const keyOf = keys(prefix, topic);
  // Refused before anything is read: a wrong prefix is wrong for every file.
  keyOf("probe");
  const { files, skipped } = await readFolder(localRoot, ignore);
  const { manifest = false } = options;
  const result: UploadDirResult = { uploaded: [], unchanged: [], failed: [], skipped };
  if (files.length === 0) return result;

  const wanted = new Map<string, FolderFile>();
  for (const file of files) {
    if (manifest && file.relative === MANIFEST_NAME) {
      skipped.push({ relative: file.relative, reason: "no place left" });
      continue;
    }
    try {
      wanted.set(keyOf(file.relative), file);
    } catch (error) {
      result.failed.push({ ...named(file, ""), error: codedError(error) });
    }
  }
  const there = await sizesOf(storage, keyOf(""), wanted, signal);

  async function one([key, file]: [string, FolderFile]): Promise<void> {
    try {
      signal?.throwIfAborted();
      const sha256 = there.get(key) === file.size ? await hashPath(file.path, signal) : undefined;
      if (sha256 !== undefined && (await storage.stat(key, { ...abortable(signal) }))?.sha256 === sha256) {
        result.unchanged.push({ ...named(file, key), sha256 });
        return;
      }
      const saved = await storage.save(key, file.path, {
        ...abortable(signal),
        onProgress: (progress) => options.onProgress?.(file.relative, progress),
      });
      result.uploaded.push({ ...named(file, key), size: saved.size, sha256: saved.sha256 });
    } catch (error) {
      result.failed.push({ ...named(file, key), error: stopped(signal) ?? codedError(error) });
    }
  }
  async function describeAll(): Promise<void> {
    const file = { relative: MANIFEST_NAME, key: keyOf(MANIFEST_NAME), size: 0 };
    try {
      signal?.throwIfAborted();
      const there = [...result.uploaded, ...result.unchanged].sort(byKey);
      const options = { ...abortable(signal), publicUrls };
      const { saved, isNew } = await writeMirrorManifest(storage, file.key, there, options);
      const { size, sha256 } = saved;
      (isNew ? result.uploaded : result.unchanged).push({ ...file, size, sha256 });
    } catch (error) {
      result.failed.push({ ...file, error: stopped(signal) ?? codedError(error) });
    }
  }

  await pMap(wanted, one, { concurrency });
  if (manifest) await describeAll();
  for (const list of [result.uploaded, result.unchanged, result.failed]) list.sort(byKey);
  return result;
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

function keys(prefix: string, topic: string): (relative: string) => string {
  return (relative) => {
    try {
      return mirrorKey({ prefix, topic, path: relative });
    } catch (error) {
      if (error instanceof RangeError) throw new ReelsyncError("INVALID_ARGUMENT", error.message);
      throw error;
    }
  };
}

/** Sizes of those objects that are wanted, so that a file which is not there costs no request of its own. */
async function sizesOf(
  storage: StorageBackend,
  prefix: string,
  wanted: ReadonlyMap<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of storage.listFiles(prefix, abortable(signal))) {
    if (wanted.has(key)) sizes.set(key, size);
  }
  return sizes;
}

function named({ relative, size }: FolderFile, key: string): MirroredFile {
  return { relative, key, size };
}

function abortable(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function stopped(signal: AbortSignal | undefined): ReelsyncError | undefined {
  return signal?.aborted === true ? new ReelsyncError("ABORTED", "The upload was cancelled") : undefined;
}
