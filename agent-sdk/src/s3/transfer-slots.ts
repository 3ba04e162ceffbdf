/**
 * How much may be under way at once in one client: requests to S3, and the bytes held in memory for them. All buffers are
 * pieces of one block, so memory stays flat at any file size and any number of concurrent uploads. First come, first served.
 */
import { MIB } from "../../../contract/limits.ts";
import { createMemoryBlock } from "../memory-block.ts";

export interface TransferSlots {
  /** Runs a request that needs a buffer of each given size; an empty list for one that carries no bytes of ours. */
  run<T>(
    sizes: readonly number[],
    signal: AbortSignal,
    work: (buffers: readonly Buffer[]) => Promise<T>,
  ): Promise<T>;
}

interface Waiter {
  size: number;
  start: (buffer: Buffer) => void;
}

const PAGE_BYTES = MIB;
const NOTHING = Buffer.alloc(0);

export function createTransferSlots(limits: { requests: number; bytes: number }): TransferSlots {
  const waiting: Waiter[] = [];
  const block = createMemoryBlock(limits.bytes, PAGE_BYTES);
  let requests = 0;

  /** The waiter's buffer, or undefined when it has to wait on. */
  function admit(size: number): Buffer | undefined {
    if (requests >= limits.requests) return undefined;
    const buffer = size === 0 ? NOTHING : block.take(size);
    if (buffer !== undefined) requests += 1;
    return buffer;
  }

  function admitNext() {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const buffer = admit(next.size);
      if (buffer === undefined) return;
      waiting.shift();
      next.start(buffer);
    }
  }

  async function admission(size: number, signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted();
    const buffer = waiting.length === 0 ? admit(size) : undefined;
    if (buffer !== undefined) return buffer;
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(signal.reason as Error);
        admitNext();
      };
      const waiter: Waiter = {
        size,
        start(granted) {
          signal.removeEventListener("abort", leave);
          resolve(granted);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      waiting.push(waiter);
    });
  }

  return {
    async run(sizes, signal, work) {
      const buffer = await admission(
        sizes.reduce((sum, size) => sum + size, 0),
        signal,
      );
      let start = 0;
      const pieces = sizes.map((size) => buffer.subarray(start, (start += size)));
      try {
        return await work(pieces);
      } finally {
        block.giveBack(buffer);
        requests -= 1;
        admitNext();
      }
    },
  };
}
