/** Both layers of retries together, against a service that is dead from the first request to the last. The clock is fake. */
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { makeFunctionReference } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openCall } from "../../agent-sdk/src/call.ts";
import { loadConfig, type ReelsyncOptions } from "../../agent-sdk/src/config.ts";
import { createConvexCaller } from "../../agent-sdk/src/convex/convex-caller.ts";
import { isReelsyncError } from "../../agent-sdk/src/errors.ts";
import { createEvents } from "../../agent-sdk/src/events.ts";
import { createCircuitBreaker } from "../../agent-sdk/src/resilience/circuit-breaker.ts";
import { createGuard } from "../../agent-sdk/src/resilience/guard.ts";
import { transportWithin } from "../../agent-sdk/src/resilience/retry.ts";
import { requestS3 } from "../../agent-sdk/src/s3/request-s3.ts";
import { createS3Client } from "../../agent-sdk/src/s3/s3-client.ts";

const HIGHEST = 1 - Number.EPSILON;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(HIGHEST);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function configured(options: ReelsyncOptions = {}) {
  return loadConfig({
    env: {},
    convexUrl: "http://127.0.0.1:1",
    agentToken: async () => "token",
    s3: { bucket: "b", region: "r", accessKeyId: "a", secretAccessKey: "s" },
    ...options,
  });
}
type Configured = ReturnType<typeof configured>;

/** One call to each service through every layer, ready to be made, and what the service is asked meanwhile. */
const SERVICES = {
  async convex(config: Configured, asked: number[]) {
    const events = createEvents();
    const guard = createGuard("convex", createCircuitBreaker({ name: "convex" }), config.retry, events);
    const post = async () => {
      asked.push(Date.now());
      throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    };
    const tokens = {
      get: async () => ({ token: "t", expiresAt: Number.POSITIVE_INFINITY }),
      discard: () => undefined,
    };
    const convex = createConvexCaller({
      url: config.convexUrl,
      post,
      tokens,
      events,
      transport: transportWithin(config.retry),
      onAnswer: () => undefined,
    });
    const create = makeFunctionReference<"mutation">("sessions:create");
    return () => {
      const call = openCall({ timeoutMs: config.timeoutMs });
      return guard(call, "sessions:create", () => convex("mutation", create, {}, call));
    };
  },
  async s3(config: Configured, asked: number[], headers: Record<string, string> = {}) {
    const guard = createGuard("s3", createCircuitBreaker({ name: "s3" }), config.retry, createEvents());
    const client = createS3Client(config.s3);
    const answering = (response: object, at: number[]) => ({
      handle: async () => {
        at.push(Date.now());
        return { response };
      },
    });
    const command = new PutObjectCommand({ Bucket: "b", Key: "k", Body: "x" });
    // The first request reads files of the machine, which takes real time: the fake clock would run past it.
    Object.assign(client.config.requestHandler, answering({ statusCode: 200, headers: {} }, []));
    await client.send(command);
    Object.assign(client.config.requestHandler, answering({ statusCode: 503, headers }, asked));
    return () => {
      const call = openCall({ timeoutMs: config.timeoutMs });
      return guard(call, "PutObject", () =>
        requestS3(call, "PutObject", (options) => client.send(command, options)),
      );
    };
  },
};

async function lastsMs(ready: Promise<() => Promise<unknown>>): Promise<{ code: string; ms: number }> {
  const make = await ready;
  const start = Date.now();
  const outcome = make().then(
    () => ({ code: "done", ms: 0 }),
    (error: unknown) => ({
      code: isReelsyncError(error) ? error.code : String(error),
      ms: Date.now() - start,
    }),
  );
  await vi.runAllTimersAsync();
  return outcome;
}

describe.each(["convex", "s3"] as const)("a call to a dead %s", (service) => {
  const code = service === "s3" ? "S3_UNAVAILABLE" : "CONVEX_UNAVAILABLE";

  test("waits 79.7 s at most: 25.6 s within each of three steps, and 1 s and 2 s between them", async () => {
    const asked: number[] = [];
    const outcome = await lastsMs(SERVICES[service](configured(), asked));
    expect(outcome).toEqual({ code, ms: 3 * 25_550 + 1_000 + 2_000 });
    expect(asked).toHaveLength(30);
  });

  test("waits no longer anywhere than `retry` says", async () => {
    const asked: number[] = [];
    const retry = { attempts: 2, baseDelayMs: 1, maxDelayMs: 2 };
    const outcome = await lastsMs(SERVICES[service](configured({ retry }), asked));
    expect(outcome).toEqual({ code, ms: 2 * (1 + 8 * 2) + 1 });
    expect(asked).toHaveLength(20);
  });

  test("ends with its deadline in the middle of a wait, and sends nothing more", async () => {
    const asked: number[] = [];
    const outcome = await lastsMs(SERVICES[service](configured({ timeoutMs: 7_000 }), asked));
    expect(outcome.ms).toBeLessThanOrEqual(7_000);
    // 50, 100, … 3,200 ms: the wait of 6.4 s after the eighth request would end too late.
    expect(asked).toHaveLength(8);
  });

  test("is spread: no two callers that failed together come back together", async () => {
    vi.spyOn(Math, "random").mockRestore();
    const asked: number[][] = Array.from({ length: 50 }, () => []);
    await Promise.all(asked.map((one) => lastsMs(SERVICES[service](configured(), one))));
    const seconds = new Set(asked.map((times) => (times.at(-1) ?? 0) - (times[0] ?? 0)));
    expect(seconds.size).toBeGreaterThan(45);
  });
});

describe("what S3 asks for", () => {
  test("Retry-After is kept between two requests, however short the dice fall", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const asked: number[] = [];
    const config = configured({ retry: { attempts: 1 }, s3: { ...CREDENTIALS, maxAttempts: 3 } });
    await lastsMs(SERVICES.s3(config, asked, { "retry-after": "7" }));
    expect(asked.slice(1).map((at, index) => at - (asked[index] ?? 0))).toEqual([7_000, 7_000]);
  });

  test("a Retry-After longer than requests wait is left to the next step, which keeps it", async () => {
    const asked: number[] = [];
    const config = configured({ retry: { attempts: 2 }, s3: { ...CREDENTIALS, maxAttempts: 3 } });
    await lastsMs(SERVICES.s3(config, asked, { "retry-after": "45" }));
    expect(asked.slice(1).map((at, index) => at - (asked[index] ?? 0))).toEqual([45_000]);
  });
});

const CREDENTIALS = { bucket: "b", region: "r", accessKeyId: "a", secretAccessKey: "s" };
