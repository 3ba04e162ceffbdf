/**
 * Spools a stream to a temporary file, digesting it on the way: an upload needs the size and the hash before the first
 * byte is sent, and the bytes again for every retry. Memory stays at a few chunks, whatever the stream's length.
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { refuseSize, type AssetFile } from "./asset-file.ts";
import { createStreamDigest, type KnownDigests } from "./hash-file.ts";
import { makeTemporaryFolder, onTemporaryDisk, openTemporaryFile } from "./temporary-file.ts";

export interface SpooledFile {
  file: AssetFile;
  digests: Required<KnownDigests>;
}

export async function spoolStream(
  stream: Readable | ReadableStream,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<SpooledFile> {
  const folder = await makeTemporaryFolder("spool");
  const path = join(folder, "bytes");
  const discard = () => rm(folder, { recursive: true, force: true });
  try {
    const digest = createStreamDigest();
    const spool = await onTemporaryDisk(() => open(path, "wx", 0o600));
    try {
      await pipeline(
        stream instanceof Readable ? stream : Readable.fromWeb(stream),
        async (chunks: AsyncIterable<unknown>) => {
          let size = 0;
          for await (const chunk of chunks) {
            const bytes = asBytes(chunk);
            size += bytes.length;
            refuseSize(size, "The stream");
            digest.update(bytes);
            onBytes(bytes.length);
            await onTemporaryDisk(() => spool.appendFile(bytes));
          }
          refuseSize(size, "The stream");
        },
        { signal },
      );
    } finally {
      await spool.close();
    }
    const file = await openTemporaryFile(path);
    return {
      digests: digest.digest(),
      file: {
        ...file,
        async close() {
          await file.close();
          await discard();
        },
      },
    };
  } catch (error) {
    await discard();
    if (signal.aborted) throw signal.reason;
    if (isReelsyncError(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ReelsyncError("FILE_UNREADABLE", `The stream broke: ${why}`, { cause: error });
  }
}

function asBytes(chunk: unknown): Buffer {
  if (typeof chunk === "string") return Buffer.from(chunk);
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new ReelsyncError("INVALID_ARGUMENT", "The stream carries objects, expected bytes");
}
