/** A store whose clock disagrees with this machine's refuses every signature that is more than 15 minutes off. */
import { expect, test } from "vitest";
import { memoryFile } from "../../agent-sdk/src/file/asset-file.ts";
import { MINUTE, SECOND } from "../../contract/limits.ts";
import { openS3 } from "./storage/support.ts";
import { createBytePath } from "./support/bucket.ts";
import { startFaultProxy, type Exchange } from "./support/fault-proxy.ts";

const TOLERATED_MS = 15 * MINUTE;
const BYTES = memoryFile(Buffer.from("film"));

/** Of a request as of a presigned one. */
function signedAt({ target, headers }: Pick<Exchange, "target" | "headers">): number {
  const date = queryOf(target).get("X-Amz-Date") ?? String(headers["x-amz-date"]);
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function queryOf(target: string): URLSearchParams {
  return new URL(target, "http://store").searchParams;
}

/** A presigned request has a life of its own, and is refused before it began as well. */
function isTaken(exchange: Exchange, now: number): boolean {
  const age = now - signedAt(exchange);
  const life = queryOf(exchange.target).get("X-Amz-Expires");
  return age >= -TOLERATED_MS && age <= (life === null ? TOLERATED_MS : Number(life) * SECOND);
}

async function storeWhoseClockIs(offMs: number) {
  const proxy = await startFaultProxy("http://127.0.0.1:9");
  proxy.spoil = (exchange) => {
    const now = Date.now() + offMs;
    const headers = { Date: new Date(now).toUTCString(), ETag: '"e"' };
    if (isTaken(exchange, now)) return { status: 200, headers };
    return { status: 403, headers, body: "<Error><Code>RequestTimeTooSkewed</Code></Error>" };
  };
  return proxy;
}

test.each([
  ["behind", -20 * MINUTE],
  ["ahead of", 20 * MINUTE],
])("a store 20 minutes %s this machine is understood after one refusal", async (_where, offMs) => {
  const store = await storeWhoseClockIs(offMs);
  const { store: put, objects } = createBytePath(store.url);
  await put(BYTES, { key: "a" });
  await put(BYTES, { key: "b" });
  expect(store.seen.map(({ target }) => target.split("?")[0])).toEqual(["/reels/a", "/reels/a", "/reels/b"]);

  const url = signedAt({ target: await objects.url("a"), headers: {} });
  const storesNow = Date.now() + offMs;
  expect(url).toBeLessThanOrEqual(storesNow + MINUTE);
  expect(url).toBeGreaterThan(storesNow - 31 * MINUTE);
});

test.each([
  ["behind", -20 * MINUTE],
  ["ahead of", 20 * MINUTE],
])("what is presigned for a store 20 minutes %s this machine is taken by it", async (_where, offMs) => {
  const store = await storeWhoseClockIs(offMs);
  const storage = await openS3(store.url);
  await storage.save("a", Buffer.from("film"));
  for (const method of ["PUT", "GET"] as const) {
    const { url, headers, expiresAt } = await storage.getPresignedUrl(method, "a", { expiresInSeconds: 600 });
    expect((await fetch(url, { method, headers })).status).toBe(200);
    expect(Math.abs((expiresAt ?? 0) - (Date.now() + offMs + 600 * SECOND))).toBeLessThan(MINUTE);
  }
  const shared = await storage.getPresignedUrl("GET", "a");
  expect((await fetch(shared.url)).status).toBe(200);
  expect(shared.expiresAt).toBeGreaterThan(Date.now() + offMs);
});

test("one that goes on refusing is waited for like an outage, and the error names the clock", async () => {
  const store = await storeWhoseClockIs(0);
  store.spoil = () => ({
    status: 403,
    headers: { Date: new Date(Date.now() - 20 * MINUTE).toUTCString() },
    body: "<Error><Code>RequestTimeTooSkewed</Code></Error>",
  });
  const { store: put, breaker } = createBytePath(store.url, { maxAttempts: 1 });
  await expect(put(BYTES)).rejects.toMatchObject({
    code: "CLOCK_SKEWED",
    retryable: true,
    message: expect.stringMatching(/this machine's clock is 1(199|20[01]) s ahead of the store's/) as string,
  });
  expect(store.seen).toHaveLength(3);
  expect(breaker.state).toEqual({ kind: "closed", failuresInARow: 0 });
});
