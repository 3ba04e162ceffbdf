/** A folder of this machine as a `StorageBackend`: the same key tree a bucket would hold. */
import { openCall, type Call } from "../call.ts";
import { ReelsyncError } from "../errors.ts";
import type { ObjectStore } from "../s3/object-store.ts";
import { listing, sizeOf } from "./file-listing.ts";
import { detailsOf, fileOf, forgetFacts } from "./local-facts.ts";
import { onDisk, type LocalParts } from "./local-object-store.ts";
import type { LocalTree } from "./local-tree.ts";
import { saveSource } from "./save-source.ts";
import type {
  LoadedFile,
  StorageBackend,
  StorageCallOptions,
  StoredFile,
  StoredFileDetails,
} from "./storage-backend.ts";
import { assertWritableKey, notFound } from "./storage-key.ts";

export interface LocalStorageParts extends LocalParts {
  objects: ObjectStore;
  timeoutMs: number;
}

const PAGE_FILES = 1_000;

export function createLocalStorage(parts: LocalStorageParts): StorageBackend {
  const { tree, quota, urls, timeoutMs } = parts;

  const open = (options: StorageCallOptions = {}) =>
    openCall({ timeoutMs: options.timeoutMs ?? timeoutMs, signal: options.signal });

  async function stat(key: string, options?: StorageCallOptions): Promise<StoredFileDetails | null> {
    const call = open(options);
    try {
      return await onDisk(tree.root, async () => {
        call.signal.throwIfAborted();
        const found = await tree.stat(key);
        return found === undefined ? null : detailsOf(tree, key, found);
      });
    } finally {
      call.dispose();
    }
  }

  async function openBody(key: string, call: Call): Promise<LoadedFile> {
    call.signal.throwIfAborted();
    const opened = await tree.openFile(key);
    if (opened === undefined) throw notFound(key);
    try {
      const details = await detailsOf(tree, key, opened.found);
      const body = opened.handle.createReadStream();
      // Whoever reads it hears of an error anyway; a body that nobody reads must not end the process.
      body.on("error", () => undefined);
      const onAbort = () => body.destroy(call.signal.reason as Error);
      call.signal.addEventListener("abort", onAbort, { once: true });
      body.once("close", () => call.dispose());
      return { ...details, body };
    } catch (error) {
      await opened.handle.close();
      throw error;
    }
  }

  return {
    type: "local",
    async save(key, source, options) {
      assertWritableKey(key);
      return saveSource(parts, key, source, options);
    },
    async load(key, options) {
      const call = open(options);
      try {
        return await onDisk(tree.root, () => openBody(key, call));
      } catch (error) {
        call.dispose();
        throw error;
      }
    },
    stat,
    exists: async (key, options) => (await stat(key, options)) !== null,
    async getSize(key, options) {
      const found = await stat(key, options);
      if (found === null) throw notFound(key);
      return found.size;
    },
    getTotalSize: (prefix = "", options) => sizeOf(pages(tree, prefix, options)),
    listFiles: (prefix = "", options) => listing(() => pages(tree, prefix, options)),
    delete: (key) =>
      onDisk(tree.root, () =>
        quota.freeing({
          frees: async () => Number((await tree.stat(key))?.size ?? 0),
          remove: () =>
            tree.inTurn(key, async () => {
              await tree.remove(key);
              await forgetFacts(tree, key);
            }),
        }),
      ),
    async getPresignedUrl(method, key, options) {
      if (urls !== undefined) return urls.sign(method, key, options);
      throw new ReelsyncError(
        "CONFIG_INVALID",
        "Nothing serves the folder yet: set STORAGE_LOCAL_BASE_URL and STORAGE_LOCAL_SIGNING_KEY",
      );
    },
  };
}

export async function* pages(
  tree: LocalTree,
  prefix: string,
  options?: StorageCallOptions,
): AsyncGenerator<readonly StoredFile[], void, void> {
  let page: StoredFile[] = [];
  const files = tree.walk(prefix);
  for (;;) {
    if (options?.signal?.aborted) throw new ReelsyncError("ABORTED", "The listing was cancelled");
    const next = await onDisk(tree.root, () => files.next());
    if (next.done === true) break;
    page.push(fileOf(next.value.key, next.value.found));
    if (page.length < PAGE_FILES) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
