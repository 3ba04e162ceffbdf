/** Bytes from a source that may break off: goes on where they ended, as long as that moves anything. Buffers nothing. */
import type { Deadline } from "./deadline.ts";
import { isReelsyncError } from "../errors.ts";
import { retryDelayMs, wait, type Retry, type RetryPolicy } from "./retry.ts";

export interface ResumeOptions {
  policy: RetryPolicy;
  call: Pick<Deadline, "signal" | "remainingMs">;
  onRetry?: (retry: Retry) => void;
}

/**
 * `open` answers with the bytes from a place on, and throws coded errors, as do the bytes. Attempts are counted afresh
 * whenever bytes arrived, so a long transfer over a poor line ends; a source that gives nothing does not go on for ever.
 */
export async function* resumedStream(
  open: (from: number) => Promise<AsyncIterable<Buffer>>,
  { policy, call, onRetry }: ResumeOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const { signal, remainingMs } = call;
  for (let at = 0, failures = 0; ;) {
    try {
      for await (const chunk of await open(at)) {
        at += chunk.length;
        failures = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isReelsyncError(error) || !error.retryable || ++failures >= policy.attempts) throw error;
      const delayMs = retryDelayMs(policy, failures, error.retryAfterMs);
      if (delayMs >= remainingMs()) throw error;
      onRetry?.({ attempt: failures, delayMs, error });
      await wait(delayMs, signal);
    }
  }
}

/** For a source that answers a request for the rest with all of it again. */
export async function* restOf(bytes: AsyncIterable<Buffer>, from: number): AsyncGenerator<Buffer> {
  let skip = from;
  for await (const chunk of bytes) {
    if (skip < chunk.length) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}
