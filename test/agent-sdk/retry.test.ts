import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ReelsyncError } from "../../agent-sdk/src/errors.ts";
import { openDeadline } from "../../agent-sdk/src/resilience/deadline.ts";
import {
  OPERATION_RETRY,
  retry,
  retryDelayMs,
  TRANSPORT_RETRY,
} from "../../agent-sdk/src/resilience/retry.ts";

const OUTAGE = new ReelsyncError("S3_UNAVAILABLE", "S3 is down");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(
  options: { timeoutMs?: number; random?: () => number; error?: ReelsyncError; failures?: number } = {},
) {
  const {
    timeoutMs = 900_000,
    random = () => 1,
    error = OUTAGE,
    failures = Number.POSITIVE_INFINITY,
  } = options;
  const startedAt: number[] = [];
  const deadline = openDeadline({ timeoutMs });
  const promise = retry(
    OPERATION_RETRY,
    async (attempt) => {
      startedAt.push(Date.now());
      if (attempt <= failures) throw error;
      return attempt;
    },
    { signal: deadline.signal, remainingMs: deadline.remainingMs, random },
  );
  promise.catch(() => undefined);
  return {
    promise,
    startedAt,
    gaps: () => startedAt.slice(1).map((at, index) => at - (startedAt[index] ?? 0)),
  };
}

describe("delays between attempts", () => {
  test("three attempts at most: 1 s and 2 s apart when the dice fall highest", async () => {
    const { promise, gaps } = watched();
    await vi.runAllTimersAsync();
    await expect(promise).rejects.toBe(OUTAGE);
    expect(gaps()).toEqual([1000, 2000]);
  });

  test("full jitter: a delay lies anywhere between nothing and its exponential step", () => {
    for (const [attempt, step] of [
      [1, 1000],
      [2, 2000],
      [4, 8000],
      [7, 60_000],
      [50, 60_000],
    ] as const) {
      expect(retryDelayMs(OPERATION_RETRY, attempt, 0, () => 0)).toBe(0);
      expect(retryDelayMs(OPERATION_RETRY, attempt, 0, () => 0.5)).toBe(step / 2);
      expect(retryDelayMs(OPERATION_RETRY, attempt, 0, () => 1)).toBe(step);
    }
  });

  test("Retry-After is a floor below which no delay falls", async () => {
    const asked = new ReelsyncError("S3_UNAVAILABLE", "SlowDown", { retryAfterMs: 7000 });
    const { promise, gaps } = watched({ error: asked, random: () => 0 });
    await vi.runAllTimersAsync();
    await expect(promise).rejects.toBe(asked);
    expect(gaps()).toEqual([7000, 7000]);
  });

  test("all transport attempts of one request take at most 25.6 s of waiting", () => {
    const delays = Array.from({ length: TRANSPORT_RETRY.attempts - 1 }, (_, index) =>
      retryDelayMs(TRANSPORT_RETRY, index + 1, 0, () => 1),
    );
    expect(delays.reduce((sum, delay) => sum + delay)).toBe(25_550);
  });
});

describe("when it stops", () => {
  test("at the first success", async () => {
    const { promise, startedAt } = watched({ failures: 1 });
    await vi.runAllTimersAsync();
    await expect(promise).resolves.toBe(2);
    expect(startedAt).toHaveLength(2);
  });

  test("at once when nothing would change", async () => {
    const refusal = new ReelsyncError("QUOTA_EXCEEDED", "The quota is full");
    const { promise, startedAt } = watched({ error: refusal });
    await vi.runAllTimersAsync();
    await expect(promise).rejects.toBe(refusal);
    expect(startedAt).toHaveLength(1);
  });

  test("without waiting when the next attempt would come after the deadline", async () => {
    const asked = new ReelsyncError("S3_UNAVAILABLE", "SlowDown", { retryAfterMs: 60_000 });
    const { promise, startedAt } = watched({ error: asked, timeoutMs: 30_000 });
    await vi.advanceTimersByTimeAsync(0);
    await expect(promise).rejects.toBe(asked);
    expect(startedAt).toHaveLength(1);
    expect(Date.now() - (startedAt[0] ?? 0)).toBe(0);
  });

  test("in the middle of a wait when the caller cancels, with a coded error", async () => {
    const controller = new AbortController();
    const deadline = openDeadline({ timeoutMs: 60_000, signal: controller.signal });
    const promise = retry(OPERATION_RETRY, async () => Promise.reject(OUTAGE), {
      signal: deadline.signal,
      remainingMs: deadline.remainingMs,
      random: () => 1,
    });
    promise.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(500);
    controller.abort();
    await vi.advanceTimersByTimeAsync(0);
    await expect(promise).rejects.toMatchObject({ code: "ABORTED", retryable: false });
    expect(vi.getTimerCount()).toBe(1);
    deadline.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("nested layers stay under the one deadline", async () => {
    const deadline = openDeadline({ timeoutMs: 20_000 });
    const { signal, remainingMs } = deadline;
    const startedAt = Date.now();
    const inner = () =>
      retry(TRANSPORT_RETRY, async () => Promise.reject(OUTAGE), { signal, remainingMs, random: () => 1 });
    const promise = retry(OPERATION_RETRY, inner, { signal, remainingMs, random: () => 1 });
    promise.catch(() => undefined);
    await vi.runAllTimersAsync();
    await expect(promise).rejects.toBeInstanceOf(ReelsyncError);
    expect(Date.now() - startedAt).toBeLessThanOrEqual(20_000);
  });
});
