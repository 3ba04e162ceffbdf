/**
 * The storage as a client hands it out: an argument that is no key, prefix or method is refused by name before anything is
 * asked, and whatever else goes wrong reaches the caller coded.
 */
import { codedError, ReelsyncError } from "../errors.ts";
import type { FileListing, StorageBackend } from "./storage-backend.ts";

const METHODS: readonly unknown[] = ["GET", "PUT"];

type ByText<Rest extends unknown[], T> = (text: string, ...rest: Rest) => Promise<T>;

export function checkedStorage(storage: StorageBackend): StorageBackend {
  const by =
    (what: string) =>
    <Rest extends unknown[], T>(work: ByText<Rest, T>): ByText<Rest, T> =>
    async (text, ...rest) => {
      try {
        assertText(what, text);
        return await work(text, ...rest);
      } catch (error) {
        throw codedError(error);
      }
    };
  const byKey = by("key");
  return {
    type: storage.type,
    save: byKey(storage.save),
    load: byKey(storage.load),
    stat: byKey(storage.stat),
    exists: byKey(storage.exists),
    getSize: byKey(storage.getSize),
    delete: byKey(storage.delete),
    getTotalSize: (prefix = "", options) => by("prefix")(storage.getTotalSize)(prefix, options),
    listFiles: (prefix = "", options) =>
      codedListing(() => {
        assertText("prefix", prefix);
        return storage.listFiles(prefix, options);
      }),
    getPresignedUrl: (method, key, options) =>
      byKey(async () => {
        if (!METHODS.includes(method)) {
          throw new ReelsyncError("INVALID_ARGUMENT", `A URL is for GET or PUT, not ${method}`);
        }
        return storage.getPresignedUrl(method, key, options);
      })(key),
  };
}

function assertText(what: string, given: unknown): void {
  if (typeof given === "string") return;
  throw new ReelsyncError(
    "INVALID_ARGUMENT",
    `The ${what} is no text but ${given === null ? "null" : typeof given}`,
  );
}

function codedListing(open: () => FileListing): FileListing {
  async function* coded<T>(items: () => AsyncIterable<T>): AsyncGenerator<T, void, void> {
    try {
      yield* items();
    } catch (error) {
      throw codedError(error);
    }
  }
  return {
    pages: () => coded(() => open().pages()),
    [Symbol.asyncIterator]: () => coded(open)[Symbol.asyncIterator](),
  };
}
