/**
 * How much may be under way at once in one client: requests to S3, and bytes held in memory for them. Buffers of the
 * usual part size are reused, so memory stays flat at any file size and any number of concurrent uploads. First come,
 * first served.
 */
import { PREFERRED_PART_BYTES } from "../../../contract/limits.ts";

export interface TransferSlots {
  /** Runs a request that needs a buffer of each given size; an empty list for one that carries no bytes of ours. */
  run<T>(
    sizes: readonly number[],
    signal: AbortSignal,
    work: (buffers: readonly Buffer[]) => Promise<T>,
  ): Promise<T>;
}

/** Small files get a buffer of their own size; from a quarter of a part on, a reusable one. */
function capacityFor(size: number): number {
  const reusable = size <= PREFERRED_PART_BYTES && size > PREFERRED_PART_BYTES / 4;
  return reusable ? PREFERRED_PART_BYTES : size;
}

interface Waiter {
  bytes: number;
  start: () => void;
}

export function createTransferSlots(limits: { requests: number; bytes: number }): TransferSlots {
  const waiting: Waiter[] = [];
  const spare: Buffer[] = [];
  const inUse = { requests: 0, bytes: 0 };

  /** A demand above the limit is let through alone rather than never. */
  const fits = (bytes: number) =>
    inUse.requests < limits.requests &&
    (inUse.bytes + bytes <= limits.bytes || inUse.bytes === 0 || bytes === 0);

  function admitNext() {
    for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      take(next.bytes);
      next.start();
    }
  }

  function take(bytes: number) {
    inUse.requests += 1;
    inUse.bytes += bytes;
  }

  function admission(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (waiting.length === 0 && fits(bytes)) {
      take(bytes);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(signal.reason as Error);
        admitNext();
      };
      const waiter: Waiter = {
        bytes,
        start: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      waiting.push(waiter);
    });
  }

  return {
    async run(sizes, signal, work) {
      const bytes = sizes.reduce((sum, size) => sum + capacityFor(size), 0);
      await admission(bytes, signal);
      const whole = sizes.map(capacityFor).map((capacity) => {
        const reused = capacity === PREFERRED_PART_BYTES ? spare.pop() : undefined;
        return reused ?? Buffer.allocUnsafeSlow(capacity);
      });
      try {
        return await work(whole.map((buffer, index) => buffer.subarray(0, sizes[index])));
      } finally {
        spare.push(...whole.filter((buffer) => buffer.length === PREFERRED_PART_BYTES));
        spare.length = Math.min(spare.length, Math.floor(limits.bytes / PREFERRED_PART_BYTES));
        inUse.requests -= 1;
        inUse.bytes -= bytes;
        admitNext();
      }
    },
  };
}
