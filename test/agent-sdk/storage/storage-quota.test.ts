import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isReelsyncError, StorageQuotaExceededError } from "reelsync";
import { createQuota } from "../../../agent-sdk/src/storage/storage-quota.ts";
import { MINUTE } from "../../../contract/limits.ts";
import { startBucket } from "../support/bucket.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { listed } from "./contract.ts";
import { openLocal, openS3 } from "./support.ts";

async function openLimitedS3(maxBytes: number) {
  const proxy = await startFaultProxy((await startBucket()).endpoint);
  return { storage: await openS3(proxy.url, { maxBytes }), proxy };
}

describe.each([
  ["LOCAL", async (maxBytes: number) => (await openLocal({ maxBytes })).storage],
  ["S3", async (maxBytes: number) => (await openLimitedS3(maxBytes)).storage],
])("the limit of %s", (_name, open) => {
  test("[G7] is a coded error of its own class, raised before any byte moves", async () => {
    const storage = await open(1_000);
    await storage.save("a", randomBytes(900));
    const refused = await storage.save("b", randomBytes(101)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StorageQuotaExceededError);
    expect(isReelsyncError(refused)).toBe(true);
    expect(refused).toMatchObject({
      code: "STORAGE_QUOTA_EXCEEDED",
      retryable: false,
      usedBytes: 900,
      maxBytes: 1_000,
    });
    expect((await listed(storage)).map(({ key }) => key)).toEqual(["a"]);
    await storage.save("b", randomBytes(100));
  });

  test("counts what an object takes the place of, and what is deleted", async () => {
    const storage = await open(1_000);
    await storage.save("a", randomBytes(900));
    await storage.save("a", randomBytes(1_000));
    await expect(storage.save("b", randomBytes(1))).rejects.toMatchObject({ code: "STORAGE_QUOTA_EXCEEDED" });
    await storage.delete("a");
    await storage.save("b", randomBytes(1_000));
  });

  test("holds for uploads in flight together: no more than fit are let through", async () => {
    const storage = await open(1_000);
    const attempts = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => storage.save(`f/${index}`, randomBytes(300))),
    );
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(await storage.getTotalSize()).toBe(900);
  });

  test("counts what was there before", async () => {
    const storage = await open(1_000);
    expect(await storage.getTotalSize()).toBe(0);
    await storage.save("x", Buffer.alloc(999, 1));
    await expect(storage.save("y", Buffer.alloc(2, 1))).rejects.toBeInstanceOf(StorageQuotaExceededError);
  });
});

test("a bucket's limit lists the bucket once, however many uploads there are", async () => {
  const { storage, proxy } = await openLimitedS3(1_000_000);
  for (let index = 0; index < 20; index++) await storage.save(`f/${index}`, randomBytes(100));
  const listings = proxy.seen.filter(({ target }) => /list-type=2/.test(target));
  // The other one is the question whether the bucket is there at all.
  expect(listings).toHaveLength(2);
});

describe("the figure", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());

  const upload = (size: number) => ({ size, replaces: async () => 0, store: async () => size });

  test("is never taken when there is no limit", async () => {
    const measure = vi.fn(async () => 0);
    const quota = createQuota(undefined, measure);
    await quota.during(1e15, upload(1e15));
    expect(measure).not.toHaveBeenCalled();
  });

  test("is taken anew before a refusal, but at most once a minute", async () => {
    let really = 900;
    const measure = vi.fn(async () => really);
    const quota = createQuota(1_000, measure);
    await quota.during(50, upload(50));
    const refused = () => expect(quota.during(200, upload(200))).rejects.toThrow(StorageQuotaExceededError);
    await refused();
    await refused();
    expect(measure).toHaveBeenCalledTimes(1);
    really = 100;
    vi.advanceTimersByTime(MINUTE + 1);
    await quota.during(200, upload(200));
    expect(measure).toHaveBeenCalledTimes(2);
  });

  test("is taken anew in the background when it is old, and a failure of that fails nobody", async () => {
    const measure = vi.fn(async () => 0);
    const quota = createQuota(1_000, measure);
    await quota.during(10, upload(10));
    vi.advanceTimersByTime(5 * MINUTE + 1);
    measure.mockRejectedValueOnce(new Error("the store is down"));
    await quota.during(10, upload(10));
    expect(measure).toHaveBeenCalledTimes(2);
    await quota.during(10, upload(10));
    expect(measure).toHaveBeenCalledTimes(3);
  });

  test("gives back what an upload reserved that failed", async () => {
    const quota = createQuota(1_000, async () => 0);
    const failing = { replaces: async () => 0, store: async () => Promise.reject(new Error("cut")) };
    await expect(quota.during(1_000, failing)).rejects.toThrow("cut");
    expect(await quota.during(1_000, upload(1_000))).toBe(1_000);
  });
});
