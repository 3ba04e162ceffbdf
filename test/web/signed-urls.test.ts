import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HOUR, MAX_URLS_PER_CALL, MINUTE, PRESIGN_RENEWAL_SHARE, SECOND } from "../../contract/limits.ts";
import { SignedUrls, type SignUrls } from "../../web/src/player/signed-urls.ts";

let calls: string[][];
let refuse: boolean;

/** Signs as the backend does: a new URL every time, good for an hour, due at three quarters of it. */
const sign: SignUrls = async (assetIds) => {
  calls.push(assetIds);
  if (refuse) throw new Error("the deployment is away");
  return assetIds
    .filter((id) => id !== "foreign")
    .map((assetId) => ({
      assetId,
      url: `https://media.example/${assetId}?n=${calls.length}`,
      expiresAt: Date.now() + HOUR,
      renewAt: Date.now() + HOUR * PRESIGN_RENEWAL_SHARE,
    }));
};

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  refuse = false;
});
afterEach(() => vi.useRealTimers());

describe("asking", () => {
  test("what is wanted at the same moment goes out in one call", async () => {
    const urls = new SignedUrls(sign);
    await Promise.all([urls.get("a"), urls.get("b"), urls.get("a")]);
    expect(calls).toEqual([["a", "b"]]);
  });

  test("never asks for more than one call takes", async () => {
    const urls = new SignedUrls(sign);
    await Promise.all(Array.from({ length: MAX_URLS_PER_CALL + 1 }, (_, i) => urls.get(`a${i}`)));
    expect(calls.map((ids) => ids.length)).toEqual([MAX_URLS_PER_CALL, 1]);
  });

  test("a URL is kept until it is due, and no longer", async () => {
    const urls = new SignedUrls(sign);
    const first = await urls.get("a");
    vi.advanceTimersByTime(44 * MINUTE);
    expect(await urls.get("a")).toBe(first);
    vi.advanceTimersByTime(2 * MINUTE);
    expect(await urls.get("a")).not.toBe(first);
  });

  test("[G6] an asset the server leaves out has no URL", async () => {
    await expect(new SignedUrls(sign).get("foreign")).rejects.toThrow("no URL for asset foreign");
  });

  test("a failed call fails those who waited for it, and the next one asks again", async () => {
    const urls = new SignedUrls(sign);
    refuse = true;
    await expect(urls.get("a")).rejects.toThrow("the deployment is away");
    refuse = false;
    await expect(urls.get("a")).resolves.toContain("/a?");
  });

  test("an invalidated URL is asked for anew", async () => {
    const urls = new SignedUrls(sign);
    const first = await urls.get("a");
    urls.invalidate("a");
    expect(await urls.get("a")).not.toBe(first);
  });
});

describe("renewal", () => {
  test("happens at three quarters of the life, for what is in use", async () => {
    const urls = new SignedUrls(sign);
    const renewed: string[] = [];
    urls.onRenewed((id) => renewed.push(id));
    urls.retain("a");
    await Promise.all([urls.get("a"), urls.get("b")]);
    await vi.advanceTimersByTimeAsync(HOUR * PRESIGN_RENEWAL_SHARE - SECOND);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2 * SECOND);
    expect(calls[1]).toEqual(["a"]);
    expect(renewed).toEqual(["a"]);
  });

  test("stops when nobody uses the URL any more", async () => {
    const urls = new SignedUrls(sign);
    const release = urls.retain("a");
    await urls.get("a");
    release();
    release();
    await vi.advanceTimersByTimeAsync(2 * HOUR);
    expect(calls).toHaveLength(1);
  });

  test("is tried again while the old URL still lives, at a bounded rate", async () => {
    const urls = new SignedUrls(sign);
    urls.retain("a");
    await urls.get("a");
    refuse = true;
    await vi.advanceTimersByTimeAsync(HOUR * PRESIGN_RENEWAL_SHARE + 5 * MINUTE);
    const attempts = calls.length - 1;
    expect(attempts).toBeGreaterThan(5);
    expect(attempts).toBeLessThanOrEqual(11);
    refuse = false;
    await vi.advanceTimersByTimeAsync(MINUTE);
    await expect(urls.get("a")).resolves.toBe(`https://media.example/a?n=${calls.length}`);
  });

  test("a clock far ahead of the server's causes no storm of requests", async () => {
    const behind: SignUrls = async (assetIds) => {
      const signed = await sign(assetIds);
      return signed.map((one) => ({ ...one, renewAt: Date.now() - 3 * HOUR }));
    };
    const urls = new SignedUrls(behind);
    urls.retain("a");
    await urls.get("a");
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(calls.length).toBeLessThanOrEqual(11);
  });

  test("a public URL never is", async () => {
    const urls = new SignedUrls(async (ids) =>
      ids.map((assetId) => ({
        assetId,
        url: `https://cdn.example/${assetId}`,
        expiresAt: null,
        renewAt: null,
      })),
    );
    urls.retain("a");
    await urls.get("a");
    expect(vi.getTimerCount()).toBe(0);
  });
});
