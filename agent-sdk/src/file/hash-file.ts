/**
 * Digests of an asset before any byte is sent: of the whole, which names the content, and of every part that is signed,
 * which S3 is made to check. Both come from the same pass, so what S3 accepts is what the record says, or S3 refuses it.
 */
import { createHash, webcrypto } from "node:crypto";
import { PREFERRED_PART_BYTES } from "../../../contract/limits.ts";
import type { TransferSlots } from "../s3/transfer-slots.ts";
import { partRanges, type PartRange, type UploadPlan } from "../upload-plan.ts";
import type { AssetFile } from "./asset-file.ts";

export interface Digests {
  /** Of the whole file, hex; unknown while it is hashed as it is sent (see `running-hash.ts`). */
  readonly sha256?: string | undefined;
  /** Of each part in order, hex; absent where parts are not signed, and where they were not known while hashing. */
  readonly parts?: readonly (string | undefined)[];
}

export interface KnownDigests extends Digests {
  readonly sha256: string;
}

export async function hashFile(
  file: AssetFile,
  plan: UploadPlan,
  slots: TransferSlots,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<KnownDigests> {
  const held = plan.kind === "single" ? await file.hold?.() : undefined;
  if (held !== undefined) {
    signal.throwIfAborted();
    onBytes(held.length);
    return { sha256: createHash("sha256").update(held).digest("hex") };
  }
  const whole = createHash("sha256");
  const parts: string[] = [];
  const multipart = plan.kind === "multipart";
  const signed = multipart && plan.signed;
  const ranges = partRanges({ size: file.size, partSize: multipart ? plan.partSize : PREFERRED_PART_BYTES });
  const bufferSize = Math.min(file.size, multipart ? plan.partSize : PREFERRED_PART_BYTES);

  await slots.run(
    file.inMemory ? [] : multipart ? [bufferSize, bufferSize] : [bufferSize],
    signal,
    async (buffers) => {
      const upcoming = readAhead(file, ranges, buffers);
      for await (const block of upcoming) {
        signal.throwIfAborted();
        // The part's digest runs on another thread while this one updates the whole.
        const digest = signed ? webcrypto.subtle.digest("SHA-256", block) : undefined;
        whole.update(block);
        if (digest !== undefined) parts.push(Buffer.from(await digest).toString("hex"));
        onBytes(block.length);
      }
    },
  );
  const sha256 = whole.digest("hex");
  return signed ? { sha256, parts } : { sha256 };
}

/** Yields blocks in order. With two buffers the next block is read while the current one is being digested. */
async function* readAhead(
  file: AssetFile,
  ranges: Iterable<PartRange>,
  buffers: readonly Buffer[],
): AsyncGenerator<Buffer> {
  let reads = 0;
  let ahead: Promise<Buffer> | undefined;
  try {
    for (const range of ranges) {
      const current = ahead;
      const read = file.read(range, buffers[reads++ % Math.max(1, buffers.length)]);
      if (buffers.length < 2) {
        yield await read;
        continue;
      }
      ahead = read;
      if (current !== undefined) yield await current;
    }
    if (ahead !== undefined) yield await ahead;
  } finally {
    // A read still under way writes into a buffer that is about to be handed back.
    await ahead?.catch(() => undefined);
  }
}

/** The same digests for bytes that arrive one chunk at a time, as 16 MiB parts. */
export function createStreamDigest(): {
  update: (chunk: Buffer) => void;
  digest: () => Required<KnownDigests>;
} {
  const whole = createHash("sha256");
  const parts: string[] = [];
  let part = createHash("sha256");
  let room = PREFERRED_PART_BYTES;
  return {
    update(chunk) {
      whole.update(chunk);
      for (let start = 0; start < chunk.length;) {
        const piece = chunk.subarray(start, start + room);
        part.update(piece);
        start += piece.length;
        room -= piece.length;
        if (room === 0) {
          parts.push(part.digest("hex"));
          part = createHash("sha256");
          room = PREFERRED_PART_BYTES;
        }
      }
    },
    digest() {
      if (room < PREFERRED_PART_BYTES) parts.push(part.digest("hex"));
      return { sha256: whole.digest("hex"), parts };
    },
  };
}
