/**
 * The hash of a file that is being sent: its parts are hashed in the order of the file, each when it is read for the first
 * time, from the very buffer that is sent. So the file is read once, and the store has work from the start. What is read
 * again, because it has to be sent again, is not hashed again.
 *
 * A signed part's own digest is taken in the same pass and thread. Another thread would work on a copy of the part: 30 MiB
 * more for no time that could be measured on two cores.
 *
 * Workers read beside each other and take turns at hashing. Whoever is ahead waits until the part before was hashed, and
 * never for long: that one is being read already, because parts are asked for in the order of the file.
 */
import { createHash, type Hash } from "node:crypto";
import { setImmediate as othersFirst } from "node:timers/promises";
import { MIB } from "../../../contract/limits.ts";
import { createTransferSlots } from "../s3/transfer-slots.ts";
import type { MultipartPlan } from "../upload-plan.ts";
import type { AssetFile, ByteRange } from "./asset-file.ts";
import type { Digests } from "./hash-file.ts";

export interface RunningHash {
  /** The same file, whose reads are hashed. */
  file: AssetFile;
  /** As far as they are known by now. */
  digests: Digests;
  /**
   * Of the whole file, hex: reads what nobody has read yet. Throws FILE_CHANGED when the file is no longer the one that
   * was opened, so that no hash is ever of two states of it.
   */
  finish: () => Promise<string>;
}

/** Hashed at a time, so that what is on its way to the store is fed in between. */
const SLICE_BYTES = MIB;
/**
 * What reads the rest of a file: one slice in the whole process, so that memory stays flat however many uploads leave the
 * line at once, and none of the room that waits for a store.
 */
const leaving = createTransferSlots({ requests: 1, bytes: SLICE_BYTES });
/** The call itself may be over: what is kept for later needs its hash all the same. */
const UNENDING = new AbortController().signal;

export function hashWhileRead(file: AssetFile, { partSize, signed }: MultipartPlan): RunningHash {
  const whole = createHash("sha256");
  const parts: (string | undefined)[] = [];
  let hashed = 0;
  let sha256: string | undefined;
  let turns: Promise<unknown> = Promise.resolve();

  async function update(bytes: Buffer, part?: Hash): Promise<void> {
    for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
      const slice = bytes.subarray(start, start + SLICE_BYTES);
      whole.update(slice);
      part?.update(slice);
      await othersFirst();
    }
    hashed += bytes.length;
  }

  async function take(start: number, bytes: Buffer): Promise<void> {
    if (start !== hashed) return;
    const part = signed ? createHash("sha256") : undefined;
    await update(bytes, part);
    if (part !== undefined) parts[start / partSize] = part.digest("hex");
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = turns.then(work);
    turns = turn.catch(() => undefined);
    return turn;
  }

  async function read(range: ByteRange, into?: Buffer): Promise<Buffer> {
    const reading = file.read(range, into);
    // Told in its turn.
    reading.catch(() => undefined);
    return inTurn(async () => {
      const bytes = await reading;
      await take(range.start, bytes);
      return bytes;
    });
  }

  async function finish(): Promise<string> {
    if (sha256 !== undefined) return sha256;
    while (hashed < file.size) {
      const end = Math.min(hashed + SLICE_BYTES, file.size);
      await leaving.run(file.inMemory ? [] : [end - hashed], UNENDING, async ([buffer]) =>
        update(await file.read({ start: hashed, end }, buffer)),
      );
    }
    await file.assertUnchanged();
    return (sha256 = whole.digest("hex"));
  }

  return {
    file: { ...file, read },
    digests: {
      get sha256() {
        return sha256;
      },
      parts,
    },
    finish: () => inTurn(finish),
  };
}
