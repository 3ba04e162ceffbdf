/** The file door over a folder by itself: for a process that serves and uploads nothing. */
import { MIB } from "../../../contract/limits.ts";
import { createTransferSlots } from "../s3/transfer-slots.ts";
import { sizeOf } from "./file-listing.ts";
import { startLocalFilesServer, type LocalFilesServer } from "./local-files-server.ts";
import { createLocalObjectStore } from "./local-object-store.ts";
import { createLocalStorage, pages } from "./local-storage.ts";
import { createLocalTree } from "./local-tree.ts";
import { createQuota } from "./storage-quota.ts";

export type { LocalFilesServer };

export interface ServeLocalFilesOptions {
  dir: string;
  signingKey: string;
  maxBytes?: number | undefined;
  host?: string;
  port?: number;
}

/** Bytes in memory for what is being put. */
const MEMORY_BYTES = 64 * MIB;
const REQUESTS = 64;
/** Longest time one PUT may take. */
const TIMEOUT_MS = 60 * 60 * 1000;

export async function serveLocalFiles({
  dir,
  maxBytes,
  ...options
}: ServeLocalFilesOptions): Promise<LocalFilesServer> {
  const tree = createLocalTree(dir);
  const slots = createTransferSlots({ requests: REQUESTS, bytes: MEMORY_BYTES });
  const quota = createQuota(maxBytes, () => sizeOf(pages(tree, "")));
  const parts = { tree, quota, slots, multipartThreshold: MEMORY_BYTES, urls: undefined };
  const objects = createLocalObjectStore(parts);
  const storage = createLocalStorage({ ...parts, objects, timeoutMs: TIMEOUT_MS });
  return startLocalFilesServer({ tree, storage, ...options });
}
