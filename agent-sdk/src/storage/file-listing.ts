/** A listing that is read a page at a time, whichever way it is looked at. */
import type { FileListing, StoredFile } from "./storage-backend.ts";

export function listing(pages: () => AsyncIterable<readonly StoredFile[]>): FileListing {
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const page of pages()) yield* page;
    },
  };
}

export async function sizeOf(pages: AsyncIterable<readonly StoredFile[]>): Promise<number> {
  let bytes = 0;
  for await (const page of pages) for (const { size } of page) bytes += size;
  return bytes;
}
