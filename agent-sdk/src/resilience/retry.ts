/**
 * p-retry, configured once: exponential backoff with full jitter, the service's own `Retry-After` as a floor, and a
 * deadline above everything. Decides by `retryable` only; knows nothing of S3 or Convex.
 */
import pRetry from "p-retry";
import { MINUTE, SECOND } from "../../../contract/limits.ts";
import { isReelsyncError, type ReelsyncError } from "../errors.ts";

export interface RetryPolicy {
  /** Attempts in total, the first one included. */
  attempts: number;
  baseDelayMs: number;
  maxDelayMs: number;
}

/** A step of an upload: few attempts, far apart. */
export const OPERATION_RETRY: RetryPolicy = { attempts: 3, baseDelayMs: SECOND, maxDelayMs: MINUTE };

/** A single request inside an attempt: the numbers of the AWS SDK's standard mode, so that both services ride out the same outage. */
export const TRANSPORT_RETRY: RetryPolicy = { attempts: 10, baseDelayMs: 50, maxDelayMs: 20 * SECOND };

/** Whoever wants short waits between steps wants no longer ones inside a step. */
export function transportWithin({ baseDelayMs, maxDelayMs }: RetryPolicy): RetryPolicy {
  return {
    attempts: TRANSPORT_RETRY.attempts,
    baseDelayMs: Math.min(TRANSPORT_RETRY.baseDelayMs, baseDelayMs),
    maxDelayMs: Math.min(TRANSPORT_RETRY.maxDelayMs, maxDelayMs),
  };
}

export interface Retry {
  /** The attempt that failed, counted from 1. */
  attempt: number;
  delayMs: number;
  error: ReelsyncError;
}

export interface RetryOptions {
  signal: AbortSignal;
  /** Time left of the whole call. A wait that would not fit is not begun. */
  remainingMs: () => number;
  onRetry?: (retry: Retry) => void;
  /** Narrows which retryable errors this layer repeats; all of them unless told. */
  repeats?: (error: ReelsyncError) => boolean;
  random?: () => number;
}

export async function retry<T>(
  policy: RetryPolicy,
  operation: (attempt: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { signal, remainingMs, onRetry, repeats = () => true, random = Math.random } = options;
  return pRetry(operation, {
    signal,
    retries: policy.attempts - 1,
    // p-retry's own jitter doubles a delay at most and never shortens one, so the waiting is done below.
    minTimeout: 0,
    async onFailedAttempt({ error, attemptNumber, retriesLeft }) {
      signal.throwIfAborted();
      if (retriesLeft === 0 || !isReelsyncError(error) || !error.retryable || !repeats(error)) throw error;
      const delayMs = retryDelayMs(policy, attemptNumber, error.retryAfterMs, random);
      if (delayMs >= remainingMs()) throw error;
      onRetry?.({ attempt: attemptNumber, delayMs, error });
      await wait(delayMs, signal);
    },
  });
}

/** Full jitter: anywhere between nothing and the exponential step, but never sooner than the service asked. */
export function retryDelayMs(
  { baseDelayMs, maxDelayMs }: RetryPolicy,
  attempt: number,
  retryAfterMs = 0,
  random: () => number = Math.random,
): number {
  const step = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1));
  return Math.max(retryAfterMs, Math.round(random() * step));
}

export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
