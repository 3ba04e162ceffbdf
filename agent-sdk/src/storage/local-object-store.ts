/**
 * The folder as the upload line knows a bucket. The bytes are digested while they are written, so what is published is what
 * was hashed, or the file is `FILE_CHANGED`; they are on the disk itself before their name appears.
 */
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import type { StoredObject } from "../../../contract/asset.ts";
import { MIB } from "../../../contract/limits.ts";
import { LOCAL_BUCKET } from "../../../contract/local-storage.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { planUpload } from "../upload-plan.ts";
import type { ObjectStore } from "../s3/object-store.ts";
import type { ObjectToStore } from "../s3/stored-object.ts";
import type { TransferSlots } from "../s3/transfer-slots.ts";
import { fileOf, noteFacts } from "./local-facts.ts";
import type { Draft, LocalTree } from "./local-tree.ts";
import type { LocalUrls } from "./local-urls.ts";
import type { StorageQuota } from "./storage-quota.ts";

const BLOCK_BYTES = 4 * MIB;

export interface LocalParts {
  tree: LocalTree;
  quota: StorageQuota;
  slots: TransferSlots;
  /** Bytes from which on watchers are shown that a file is on its way. */
  multipartThreshold: number;
  /** Absent where nothing serves the folder. */
  urls: LocalUrls | undefined;
}

export function createLocalObjectStore(parts: LocalParts): ObjectStore {
  const { tree, quota, slots, multipartThreshold, urls } = parts;

  /** The hash of what was written. */
  async function write(object: ObjectToStore, draft: Draft, signal: AbortSignal): Promise<string> {
    const { file, digests, onBytes } = object;
    const hash = createHash("sha256");
    const size = Math.min(file.size, BLOCK_BYTES);
    await slots.run(file.inMemory ? [] : [size], signal, async ([buffer]) => {
      for (let start = 0; start < file.size; start += BLOCK_BYTES) {
        signal.throwIfAborted();
        const block = await file.read({ start, end: Math.min(start + BLOCK_BYTES, file.size) }, buffer);
        hash.update(block);
        await writeAll(draft, block, start);
        onBytes(block.length);
      }
    });
    const sha256 = hash.digest("hex");
    if (sha256 === digests.sha256) return sha256;
    throw new ReelsyncError("FILE_CHANGED", "The bytes are no longer those that were hashed");
  }

  async function store(object: ObjectToStore, signal: AbortSignal): Promise<StoredObject> {
    const { key, contentType, file } = object;
    const draft = await tree.openDraft();
    try {
      const sha256 = await write(object, draft, signal);
      object.onVerifying();
      const bytes = await draft.sync();
      await file.assertUnchanged();
      await tree.inTurn(key, async () => {
        await noteFacts(tree, key, bytes, { sha256, contentType });
        await draft.publish(key);
      });
      return { bucket: LOCAL_BUCKET, etag: fileOf(key, bytes).etag, size: file.size };
    } finally {
      await draft.discard();
    }
  }

  return {
    type: "local",
    bucket: LOCAL_BUCKET,
    // Nothing is sent, so nothing is signed.
    plan: (size) => planUpload(size, { multipartThreshold, signsParts: false }),
    assertUsable: () => onDisk(tree.root, () => tree.assertUsable()),
    store: (object, call) =>
      onDisk(tree.root, async () => {
        await tree.assertUsable();
        return quota.during(object.file.size, {
          replaces: async () => Number((await tree.stat(object.key))?.size ?? 0),
          store: () => store(object, call.signal),
        });
      }),
    // Nothing of an upload outlives its call here.
    abandonParts: async () => undefined,
    url: async (key) =>
      urls === undefined ? pathToFileURL(tree.pathOf(key)).href : (await urls.sign("GET", key)).url,
    close: () => undefined,
  };
}

async function writeAll({ handle }: Draft, block: Buffer, start: number): Promise<void> {
  for (let written = 0; written < block.length;) {
    const { bytesWritten } = await handle.write(block, written, block.length - written, start + written);
    written += bytesWritten;
  }
}

/** What the disk refuses is coded: a full disk is an outage that somebody ends. */
export async function onDisk<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isReelsyncError(error)) throw error;
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new ReelsyncError("LOCAL_STORAGE_UNAVAILABLE", `${root} does not take files (${code})`, {
      cause: error,
    });
  }
}
