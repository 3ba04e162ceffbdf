import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ReelsyncEvent } from "reelsync";
import { MIB } from "../../contract/limits.ts";
import { startFaultProxy, type Exchange } from "./support/fault-proxy.ts";
import { QUICK_RETRY, startStudio, type Client } from "./support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Resolves when the client says so, not after a time. */
function until({ reelsync }: Client, matches: (event: ReelsyncEvent) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = reelsync.on((event) => {
      if (!matches(event)) return;
      stop();
      resolve();
    });
  });
}

async function place(client: Client) {
  const { sceneId } = await studio.scene(client.reelsync);
  return { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
}

const functionOf = ({ body }: Exchange) => (body === "" ? "" : (JSON.parse(body) as { path?: string }).path);
const rowsOf = async (sceneId: string) =>
  (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);

describe("[G1] an outage is survived without the caller noticing more than the time", () => {
  test("of S3, in the middle of a run", async () => {
    const client = studio.client({ s3: { maxAttempts: 1 }, retry: { attempts: 50, maxDelayMs: 500 } });
    const where = await place(client);
    await client.reelsync.uploadWithConvexSync({ ...where, file: randomBytes(10) });

    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const bytes = randomBytes(100_000);
    const retried = until(client, ({ type }) => type === "retry");
    const uploaded = client.reelsync.uploadWithConvexSync({ ...where, file: bytes });
    await retried;
    await objectStore.start();
    const result = await uploaded;
    expect(result.attempts).toBeGreaterThan(1);
    expect(await studio.bucket.sha256(result.s3Key)).toBe(sha256(bytes));
    expect(result).toMatchObject({ state: "ready", version: 2 });
  });

  test("of S3, between two parts of one file", async () => {
    const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    const client = studio.client({ s3: { endpoint: proxy.url, multipartThreshold: 5 * MIB } });
    const where = await place(client);
    let broken = 0;
    proxy.spoil = ({ target }) =>
      /partNumber=[23]/.test(target) && broken++ < 6 ? "breakConnection" : undefined;
    const bytes = randomBytes(40 * MIB);
    const result = await client.reelsync.uploadWithConvexSync({ ...where, file: bytes });
    expect(result.attempts).toBeGreaterThan(1);
    expect(await studio.bucket.sha256(result.s3Key)).toBe(sha256(bytes));
  });

  test("of Convex, before begin", async () => {
    const client = studio.client();
    const where = await place(client);
    const { deployment } = studio.stack.local;
    await deployment.stop();
    const retried = until(client, ({ type }) => type === "retry");
    const uploaded = client.reelsync.uploadWithConvexSync({ ...where, file: randomBytes(10) });
    await retried;
    await deployment.start();
    expect(await uploaded).toMatchObject({ state: "ready", version: 1 });
  });

  test("of Convex, between the bytes and the commit", async () => {
    const client = studio.client();
    const where = await place(client);
    const { deployment } = studio.stack.local;
    let stopped: Promise<void> | undefined;
    const uploaded = client.reelsync.uploadWithConvexSync({
      ...where,
      file: randomBytes(10),
      onProgress: ({ phase }) => {
        if (phase === "syncing") stopped = deployment.stop();
      },
    });
    await until(client, ({ type }) => type === "retry");
    await stopped;
    await deployment.start();
    const result = await uploaded;
    expect(result).toMatchObject({ state: "ready", version: 1 });
    expect(result.attempts).toBeGreaterThan(1);
  });
});

describe("[G3] a reply that is lost changes nothing", () => {
  test.each(["assets:begin", "assets:commit"])("after %s did its work", async (lost) => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const client = studio.client({ convexUrl: proxy.url });
    const where = await place(client);
    let left = 1;
    proxy.spoil = (exchange) => (functionOf(exchange) === lost && left-- > 0 ? "loseReply" : undefined);
    const result = await client.reelsync.uploadWithConvexSync({ ...where, file: randomBytes(10) });
    expect(result).toMatchObject({ state: "ready", version: 1, attempts: 2, deduped: false });
    expect(await rowsOf(where.entity.id)).toHaveLength(1);
  });

  test("even if no reply to a commit ever comes: what was recorded is read back", async () => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const client = studio.client({ convexUrl: proxy.url, retry: { ...QUICK_RETRY, baseDelayMs: 1 } });
    const where = await place(client);
    proxy.spoil = (exchange) => {
      if (functionOf(exchange) !== "assets:commit") return undefined;
      // Refused as overload from the second on, so that only the first can have been recorded.
      const commits = proxy.seen.filter((one) => functionOf(one) === "assets:commit").length;
      return commits === 1 ? "loseReply" : { status: 503 };
    };
    const result = await client.reelsync.uploadWithConvexSync({
      ...where,
      file: randomBytes(10),
      timeoutMs: 60_000,
    });
    expect(result).toMatchObject({ state: "ready", version: 1 });
    expect(proxy.seen.some((exchange) => functionOf(exchange) === "assets:byUpload")).toBe(true);
    const [row, ...more] = await rowsOf(where.entity.id);
    expect(row).toMatchObject({ status: "ready" });
    expect(more).toEqual([]);
  }, 60_000);

  test("a row that was given up meanwhile is opened again under its old version, and committed", async () => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const client = studio.client({ convexUrl: proxy.url });
    const where = await place(client);
    let left = 1;
    proxy.spoil = (exchange) => {
      if (functionOf(exchange) !== "assets:commit" || left-- <= 0) return undefined;
      return async () => {
        const [row] = await rowsOf(where.entity.id);
        const token = await studio.stack.tokenFor("edgar");
        expect(row?.["status"]).toBe("pending");
        const answer = await fetch(`${studio.stack.local.deployment.url}/api/mutation`, {
          method: "POST",
          headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
          body: JSON.stringify({
            path: "assets:fail",
            format: "json",
            args: [{ assetId: row?.["_id"], code: "ABORTED", message: "given up" }],
          }),
        });
        expect(answer.status).toBe(200);
        expect((await rowsOf(where.entity.id))[0]?.["status"]).toBe("error");
      };
    };
    const result = await client.reelsync.uploadWithConvexSync({ ...where, file: randomBytes(10) });
    expect(result).toMatchObject({ state: "ready", version: 1 });
  });
});

describe("[G1] time that runs out during an outage says what was out", () => {
  const refused = "http://127.0.0.1:9";
  /** Waits so long between requests that the time runs out in between. */
  const patient = { attempts: 3, baseDelayMs: 400, maxDelayMs: 2_000 };

  test.each([
    ["S3, which refuses the connection", "ECONNREFUSED", undefined],
    ["S3, which answers 503", "HTTP 503", { status: 503 } as const],
  ])("of %s: in the error and in its letter", async (_what, fact, fault) => {
    const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    const endpoint = fault === undefined ? refused : proxy.url;
    const healthy = studio.client();
    const where = await place(healthy);
    const client = studio.client({ s3: { endpoint }, retry: patient });
    proxy.spoil = ({ method }) => (method === "PUT" ? fault : undefined);
    const upload = { ...where, file: randomBytes(10), timeoutMs: 8_000 };
    const error = (await client.reelsync.uploadWithConvexSync(upload).catch((cause: unknown) => cause)) as {
      deadLetter: { id: string };
    };
    expect(error).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      cause: { code: "S3_UNAVAILABLE" },
      message: expect.stringMatching(
        `Not finished within 8000 ms; S3_UNAVAILABLE last: PutObject failed: .*${fact}`,
      ) as string,
    });
    const [letter] = (await healthy.reelsync.deadLetters.list()).filter(
      ({ id }) => id === error.deadLetter.id,
    );
    expect(letter?.message).toContain(fact);
  });

  test("of Convex, which is then not waited for once more to be told", async () => {
    const where = await place(studio.client());
    const client = studio.client({ convexUrl: refused, retry: { ...patient, attempts: 1 } });
    const failed = client.reelsync.uploadWithConvexSync({ ...where, file: randomBytes(10) });
    await expect(failed).rejects.toMatchObject({
      code: "CONVEX_UNAVAILABLE",
      deadLetter: { delivered: false },
    });
    const after = client.events.slice(client.events.findIndex(({ type }) => type === "upload.failed"));
    // What fits into a second, of the ten requests that are tried otherwise.
    const waited = after.flatMap((event) => (event.type === "retry" ? event.delayMs : []));
    expect(waited.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(1_000);
  });
});

describe("the circuit breaker", () => {
  test("opens after five failed attempts in a row, is seen to, and lets calls through again after its probe", async () => {
    const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    const client = studio.client({
      s3: { endpoint: proxy.url, maxAttempts: 1 },
      retry: { attempts: 5, baseDelayMs: 1, maxDelayMs: 1 },
    });
    const where = await place(client);
    await client.reelsync.uploadWithConvexSync({ ...where, file: randomBytes(10) });
    proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
    const failed = client.reelsync.uploadWithConvexSync({ ...where, file: randomBytes(10) });
    await expect(failed).rejects.toMatchObject({ code: "S3_UNAVAILABLE", deadLetter: { delivered: true } });
    expect(client.reelsync.breakers.s3.kind).toBe("open");
    expect(client.reelsync.breakers.convex.kind).toBe("closed");

    const sent = proxy.seen.length;
    const waiting = client.reelsync.uploadWithConvexSync({
      ...where,
      file: randomBytes(10),
      timeoutMs: 1_000,
    });
    await expect(waiting).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      retryable: true,
      message: expect.stringContaining("CIRCUIT_OPEN last: s3:") as string,
    });
    expect(proxy.seen.length).toBe(sent);
    const changes = client.events.filter((event) => event.type === "breaker.changed");
    expect(changes.map(({ dependency, to }) => [dependency, to.kind])).toEqual([["s3", "open"]]);
  });
});
