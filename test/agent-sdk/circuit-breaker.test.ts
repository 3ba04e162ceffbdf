import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ReelsyncError } from "../../agent-sdk/src/errors.ts";
import {
  createCircuitBreaker,
  type BreakerState,
  type CircuitBreaker,
} from "../../agent-sdk/src/resilience/circuit-breaker.ts";

const OUTAGE = new ReelsyncError("S3_UNAVAILABLE", "S3 is down");
const REFUSAL = new ReelsyncError("S3_ACCESS_DENIED", "No");
const CANCELLED = new ReelsyncError("ABORTED", "Cancelled");
const RESET_MS = 30_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;
const ok = async () => "ok";
/** Each attempt with an error of its own, as requests have. */
const fail = async () => Promise.reject(new ReelsyncError("S3_UNAVAILABLE", "S3 is down"));

function create(changes: string[] = []): CircuitBreaker {
  return createCircuitBreaker({
    name: "s3:test",
    resetAfterMs: RESET_MS,
    onChange: (to, from) => changes.push(`${from.kind} → ${to.kind}`),
  });
}

async function run(breaker: CircuitBreaker, attempt: () => Promise<unknown>): Promise<void> {
  await breaker.run(attempt, never).catch(() => undefined);
}

async function failTimes(breaker: CircuitBreaker, times: number): Promise<void> {
  for (let left = times; left > 0; left--) await run(breaker, fail);
}

/** Each state, reached the way it is reached in life. */
const REACH: Record<BreakerState["kind"], (breaker: CircuitBreaker) => Promise<void>> = {
  closed: async (breaker) => failTimes(breaker, 4),
  open: async (breaker) => failTimes(breaker, 5),
  async halfOpen(breaker) {
    await failTimes(breaker, 5);
    await vi.advanceTimersByTimeAsync(RESET_MS);
  },
};

const EVENTS = {
  success: async (breaker: CircuitBreaker) => run(breaker, ok),
  failure: async (breaker: CircuitBreaker) => run(breaker, fail),
  refusal: async (breaker: CircuitBreaker) => run(breaker, async () => Promise.reject(REFUSAL)),
  cancelled: async (breaker: CircuitBreaker) => run(breaker, async () => Promise.reject(CANCELLED)),
  async resetTime() {
    await vi.advanceTimersByTimeAsync(RESET_MS);
  },
};

/** What every event leads to in every state. While open, a call waits for the reset time, so each call there is a probe. */
const TABLE: Record<BreakerState["kind"], Record<keyof typeof EVENTS, BreakerState["kind"]>> = {
  closed: { success: "closed", failure: "open", refusal: "closed", cancelled: "closed", resetTime: "closed" },
  open: { success: "closed", failure: "open", refusal: "closed", cancelled: "open", resetTime: "halfOpen" },
  halfOpen: {
    success: "closed",
    failure: "open",
    refusal: "closed",
    cancelled: "open",
    resetTime: "halfOpen",
  },
};

describe("every event in every state", () => {
  for (const [state, row] of Object.entries(TABLE)) {
    for (const [event, expected] of Object.entries(row)) {
      test(`${state} after ${event} is ${expected}`, async () => {
        const breaker = create();
        await REACH[state as BreakerState["kind"]](breaker);
        expect(breaker.state.kind).toBe(state);
        const done = EVENTS[event as keyof typeof EVENTS](breaker);
        if (state === "open" && event !== "resetTime") await vi.advanceTimersByTimeAsync(RESET_MS);
        await done;
        expect(breaker.state.kind).toBe(expected);
        breaker.close();
      });
    }
  }
});

describe("failures in a row", () => {
  test("a success in between starts the count again, so does a refusal: the service answered", async () => {
    for (const answered of [ok, async () => Promise.reject(REFUSAL)]) {
      const breaker = create();
      await failTimes(breaker, 4);
      await run(breaker, answered);
      expect(breaker.state).toEqual({ kind: "closed", failuresInARow: 0 });
      await failTimes(breaker, 4);
      expect(breaker.state.kind).toBe("closed");
      breaker.close();
    }
  });

  test("a cancelled call neither counts nor starts the count again", async () => {
    const breaker = create();
    await failTimes(breaker, 4);
    await run(breaker, async () => Promise.reject(CANCELLED));
    expect(breaker.state).toEqual({ kind: "closed", failuresInARow: 4 });
    breaker.close();
  });

  test("it does not matter how far apart they are", async () => {
    const breaker = create();
    for (let left = 5; left > 0; left--) {
      expect(breaker.state.kind).toBe("closed");
      await run(breaker, fail);
      await vi.advanceTimersByTimeAsync(29_000);
    }
    expect(breaker.state.kind).toBe("open");
    breaker.close();
  });

  test("no rate opens it: 4 failures for every success, a thousand times", async () => {
    const breaker = create();
    for (let round = 0; round < 1000; round++) {
      await failTimes(breaker, 4);
      await run(breaker, ok);
    }
    expect(breaker.state.kind).toBe("closed");
    breaker.close();
  });
});

describe("the probe", () => {
  test("exactly one of 1,000 waiting calls goes through, the others follow its success", async () => {
    const changes: string[] = [];
    const breaker = create(changes);
    await failTimes(breaker, 5);
    let started = 0;
    let answer: ((value: string) => void) | undefined;
    const probe = () => {
      started += 1;
      return new Promise<string>((resolve) => (answer = resolve));
    };
    const follower = async () => {
      started += 1;
      return "ok";
    };
    const calls = Array.from({ length: 1000 }, (_, index) =>
      breaker.run(index === 0 ? probe : follower, never),
    );
    await vi.advanceTimersByTimeAsync(RESET_MS - 1);
    expect(started).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(started).toBe(1);
    await vi.advanceTimersByTimeAsync(10 * RESET_MS);
    expect(started).toBe(1);
    answer?.("ok");
    await expect(Promise.all(calls)).resolves.toHaveLength(1000);
    expect(started).toBe(1000);
    expect(changes).toEqual(["closed → open", "open → halfOpen", "halfOpen → closed"]);
    breaker.close();
  });

  test("when it fails, those that waited fail with it, told why, without having been sent", async () => {
    const breaker = create();
    await failTimes(breaker, 5);
    let started = 0;
    const attempt = async () => {
      started += 1;
      return Promise.reject(OUTAGE);
    };
    const calls = [1, 2, 3].map(() => breaker.run(attempt, never));
    const results = Promise.allSettled(calls);
    await vi.advanceTimersByTimeAsync(RESET_MS);
    const reasons = (await results).map(
      (result) => (result as PromiseRejectedResult).reason as ReelsyncError,
    );
    expect(reasons.map(({ code }) => code)).toEqual(["S3_UNAVAILABLE", "CIRCUIT_OPEN", "CIRCUIT_OPEN"]);
    expect(reasons[1]).toMatchObject({ retryable: true, cause: OUTAGE });
    expect(started).toBe(1);
    breaker.close();
  });

  test("a waiting call leaves when its own deadline comes", async () => {
    const breaker = create();
    await failTimes(breaker, 5);
    const controller = new AbortController();
    const call = breaker.run(ok, controller.signal);
    const outcome = expect(call).rejects.toBe(CANCELLED);
    controller.abort(CANCELLED);
    await outcome;
    expect(breaker.state.kind).toBe("open");
    breaker.close();
  });
});

test("a request that failed for many calls at once, as a batch does, counts as one failure", async () => {
  const breaker = create();
  const shared = Promise.reject(new ReelsyncError("CONVEX_UNAVAILABLE", "The batch was not answered"));
  await Promise.all(Array.from({ length: 100 }, () => run(breaker, () => shared)));
  expect(breaker.state).toEqual({ kind: "closed", failuresInARow: 1 });
  await failTimes(breaker, 3);
  expect(breaker.state).toEqual({ kind: "closed", failuresInARow: 4 });
  await failTimes(breaker, 1);
  expect(breaker.state.kind).toBe("open");
  breaker.close();
});
