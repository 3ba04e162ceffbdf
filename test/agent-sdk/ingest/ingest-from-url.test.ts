import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import type { ReelsyncError } from "reelsync";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio } from "../support/studio.ts";
import { breaksOff, redirectsTo, serves, startProvider } from "./provider.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const BRIEF = { attempts: 1, baseDelayMs: 10, maxDelayMs: 100 };
const LOOPBACK = { ingestAllowHosts: ["127.0.0.1"] };

async function scene() {
  const { reelsync, events } = studio.client(LOOPBACK);
  const { sceneId } = await studio.scene(reelsync);
  const request = { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
  return { reelsync, events, request, sceneId };
}

describe("ingestFromUrl", () => {
  test("[G2] a provider's file is in the bucket, and its record says where it came from, without secrets", async () => {
    const bytes = randomBytes(3_000_000);
    const provider = await startProvider({
      "/out/Clip%201.mp4": redirectsTo("/cdn/4711?sig=other"),
      "/cdn/4711": serves(bytes),
    });
    const { reelsync, request } = await scene();
    const url = `http://user:pass@${provider.host}/out/Clip%201.mp4?sig=s3cr3t#frag`;
    const asset = await reelsync.ingestFromUrl(url, {
      ...request,
      creative: "summer",
      iteration: 3,
      metadata: { seed: 42 },
    });
    if (asset.state === "not_stored") throw new Error("nothing was stored");
    expect(asset).toMatchObject({ state: "ready", size: bytes.length, sha256: sha256(bytes) });
    expect(asset.s3Key).toMatch(/-clip-1\.mp4$/);
    expect(await studio.bucket.sha256(asset.s3Key)).toBe(sha256(bytes));
    const [row] = (await studio.rows("assets")).filter(({ _id }) => _id === asset.assetId);
    expect(row).toMatchObject({
      status: "ready",
      contentType: "video/mp4",
      metadata: {
        seed: 42,
        creative: "summer",
        iteration: 3,
        tenant: studio.stack.tenantId,
        originalUrl: `${provider.origin}/out/Clip%201.mp4`,
      },
    });
    expect(JSON.stringify(row)).not.toMatch(/s3cr3t|pass|frag/);
  });

  test("[G3] ingesting it again is the same asset", async () => {
    const provider = await startProvider({ "/a.mp4": serves(randomBytes(10_000)) });
    const { reelsync, request } = await scene();
    const first = await reelsync.ingestFromUrl(`${provider.origin}/a.mp4`, request);
    const again = await reelsync.ingestFromUrl(`${provider.origin}/a.mp4`, request);
    expect(again).toMatchObject({ assetId: first.assetId, deduped: true });
  });

  test("a connection that breaks twice is gone on with, and the bytes are exact", async () => {
    const bytes = randomBytes(400_000);
    const headers = { ETag: '"v1"' };
    const provider = await startProvider({
      "/ranges.mp4": breaksOff(bytes, { times: 2, after: 100_000, headers }),
      "/no-ranges.mp4": breaksOff(bytes, { times: 2, after: 100_000, headers, ranges: false }),
    });
    const { reelsync, request, events } = await scene();
    for (const [chunkIndex, path] of ["/ranges.mp4", "/no-ranges.mp4"].entries()) {
      const asset = await reelsync.ingestFromUrl(provider.origin + path, { ...request, chunkIndex });
      expect(asset).toMatchObject({ sha256: sha256(bytes), state: "ready" });
    }
    expect(provider.ranges.slice(0, 3)).toEqual([undefined, "bytes=100000-", "bytes=200000-"]);
    expect(events.filter(({ type }) => type === "retry")).toMatchObject([
      { dependency: "provider", code: "URL_UNREACHABLE" },
      { dependency: "provider" },
      { dependency: "provider" },
      { dependency: "provider" },
    ]);
  });

  test("a provider that is down for a moment is asked again", async () => {
    let asked = 0;
    const bytes = randomBytes(1_000);
    const provider = await startProvider({
      "/a.mp4": (incoming, answer) =>
        ++asked === 1 ? answer.writeHead(503).end() : serves(bytes)(incoming, answer),
    });
    const { reelsync, request } = await scene();
    expect(await reelsync.ingestFromUrl(`${provider.origin}/a.mp4`, request)).toMatchObject({
      state: "ready",
    });
  });

  test("[G7] what cannot be taken in is refused with a code, and changes nothing", async () => {
    const bytes = randomBytes(200_000);
    let version = 0;
    const changing = breaksOff(bytes, { times: 9, after: 1_000 });
    const provider = await startProvider({
      "/page": serves(bytes, { "Content-Type": "text/html; charset=utf-8" }),
      "/image.mp4": serves(bytes, { "Content-Type": "image/png" }),
      "/untyped": serves(bytes, { "Content-Type": "application/octet-stream" }),
      "/large.mp4": serves(bytes),
      "/endless.mp4": (_asked, answer) => {
        answer.writeHead(200, { "Content-Type": "video/mp4" });
        Readable.from(endless()).pipe(answer);
      },
      "/empty.mp4": serves(Buffer.alloc(0)),
      "/gone.mp4": (_asked, answer) => answer.writeHead(404).end(),
      "/zipped.mp4": serves(bytes, { "Content-Encoding": "gzip" }),
      "/cut.mp4": breaksOff(bytes, { times: 9, after: 1_000 }),
      "/changing.mp4": (asked, answer) => {
        answer.setHeader("ETag", `"${++version}"`);
        delete asked.headers.range;
        changing(asked, answer);
      },
    });
    const { reelsync, request } = await scene();
    const cases: [path: string, code: string, over?: object][] = [
      ["/page", "CONTENT_TYPE_FORBIDDEN"],
      ["/page", "CONTENT_TYPE_FORBIDDEN", { contentType: "video/mp4" }],
      ["/image.mp4", "CONTENT_TYPE_FORBIDDEN"],
      ["/untyped", "INVALID_ARGUMENT"],
      ["/large.mp4", "FILE_TOO_LARGE", { maxBytes: 199_999 }],
      ["/endless.mp4", "FILE_TOO_LARGE", { maxBytes: 500_000 }],
      ["/empty.mp4", "FILE_EMPTY"],
      ["/gone.mp4", "URL_REFUSED"],
      ["/zipped.mp4", "URL_REFUSED"],
      ["/cut.mp4", "URL_REFUSED"],
      ["/changing.mp4", "URL_REFUSED"],
      ["/large.mp4", "ABORTED", { signal: AbortSignal.abort() }],
      ["/large.mp4", "INVALID_ASSET_TYPE", { assetType: "manifest" }],
    ];
    const before = await studio.snapshot();
    for (const [path, code, over] of cases) {
      const ingested = reelsync.ingestFromUrl(provider.origin + path, { ...request, ...over });
      await expect(ingested, `${path} ${JSON.stringify(over)}`).rejects.toMatchObject({ code });
    }
    await expect(reelsync.ingestFromUrl("not a url", request)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(await studio.snapshot()).toEqual(before);
  });

  test("[G7] an address that is not public is refused unless its host was named", async () => {
    const provider = await startProvider({ "/a.mp4": serves(randomBytes(10)) });
    const { reelsync } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const before = await studio.snapshot();
    const ingested = reelsync.ingestFromUrl(`${provider.origin}/a.mp4`, {
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
    });
    await expect(ingested).rejects.toMatchObject({ code: "URL_FORBIDDEN" });
    expect(provider.asked).toEqual([]);
    expect(await studio.snapshot()).toEqual(before);
  });

  test("a type the provider does not tell follows from the caller or the name", async () => {
    const octets = { "Content-Type": "application/octet-stream" };
    const provider = await startProvider({
      "/named.webm": serves(randomBytes(10), octets),
      "/4711": serves(randomBytes(10), octets),
    });
    const { reelsync, request } = await scene();
    await reelsync.ingestFromUrl(`${provider.origin}/named.webm`, request);
    await reelsync.ingestFromUrl(`${provider.origin}/4711`, {
      ...request,
      chunkIndex: 1,
      contentType: "video/quicktime",
    });
    const rows = (await studio.rows("assets")).filter(({ entityId }) => entityId === request.entity.id);
    expect(rows).toMatchObject([
      { contentType: "video/webm", fileName: "named.webm" },
      { contentType: "video/quicktime", fileName: "chunk.qt" },
    ]);
  });

  test("cancelling ends the download, and nothing is begun", async () => {
    const cancel = new AbortController();
    const provider = await startProvider();
    const closed = new Promise<void>((resolve) => {
      provider.paths["/slow.mp4"] = (_asked, answer) => {
        answer.writeHead(200, { "Content-Type": "video/mp4" }).write(randomBytes(1000));
        answer.once("close", resolve);
        cancel.abort();
      };
    });
    const { reelsync, request } = await scene();
    const before = await studio.snapshot();
    const ingested = reelsync.ingestFromUrl(`${provider.origin}/slow.mp4`, {
      ...request,
      signal: cancel.signal,
    });
    await expect(ingested).rejects.toMatchObject({ code: "ABORTED" });
    await closed;
    expect(await studio.snapshot()).toEqual(before);
  });

  test("[G1] while all of Convex is down the bytes are taken all the same: queued, and recorded when it is back", async () => {
    const { CONVEX_URL = "", CONVEX_SITE_URL = "" } = studio.stack.agentEnv;
    const [cloud, site] = [await startFaultProxy(CONVEX_URL), await startFaultProxy(CONVEX_SITE_URL)];
    const bytes = randomBytes(50_000);
    const provider = await startProvider({ "/a.mp4": serves(bytes) });
    const { request } = await scene();
    const env = { ...studio.stack.agentEnv, CONVEX_URL: cloud.url, CONVEX_SITE_URL: site.url };
    const { reelsync, events } = studio.queueing({ ...LOOPBACK, env, retry: BRIEF });
    cloud.spoil = site.spoil = () => ({ status: 503 });
    const ingested = await reelsync.ingestFromUrl(`${provider.origin}/a.mp4`, request);
    expect(ingested).toMatchObject({ state: "queued", sha256: sha256(bytes), size: bytes.length });
    provider.paths = {};

    cloud.spoil = site.spoil = () => undefined;
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ type: "journal.sent" })), {
      timeout: 20_000,
      interval: 100,
    });
    const [row] = (await studio.rows("assets")).filter(({ entityId }) => entityId === request.entity.id);
    expect(row).toMatchObject({ status: "ready", metadata: { originalUrl: `${provider.origin}/a.mp4` } });
    expect(await studio.bucket.sha256(String(row?.["s3Key"]))).toBe(sha256(bytes));
  });

  test("[G1] a strict client leaves a dead letter with the bytes then", async () => {
    const site = await startFaultProxy(studio.stack.agentEnv.CONVEX_SITE_URL ?? "");
    const provider = await startProvider({ "/a.mp4": serves(randomBytes(10)) });
    const { request } = await scene();
    const env = { ...studio.stack.agentEnv, CONVEX_SITE_URL: site.url };
    const { reelsync } = studio.client({ ...LOOPBACK, env, retry: BRIEF });
    site.spoil = () => ({ status: 503 });
    const error = await reelsync.ingestFromUrl(`${provider.origin}/a.mp4`, request).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "CONVEX_UNAVAILABLE", deadLetter: { delivered: false } });
    site.spoil = () => undefined;
    const { id } = (error as ReelsyncError).deadLetter ?? { id: "" };
    expect(await reelsync.deadLetters.replay(id)).toMatchObject({ state: "ready", size: 10 });
  });

  test("where the deployment has neither bucket nor folder, the provider's URL comes back with a warning, and nothing is asked of it", async () => {
    const provider = await startProvider({ "/a.mp4": serves(randomBytes(10)) });
    const { request } = await scene();
    const storage = {
      S3_BUCKET: "reelsync",
      STORAGE_LOCAL_BASE_URL: studio.stack.agentEnv.STORAGE_LOCAL_BASE_URL ?? null,
    };
    await studio.stack.setEnv({ S3_BUCKET: null, STORAGE_LOCAL_BASE_URL: null });
    try {
      const { reelsync, events } = studio.client(LOOPBACK);
      const url = `${provider.origin}/a.mp4?sig=1`;
      expect(await reelsync.ingestFromUrl(url, request)).toMatchObject({
        state: "not_stored",
        url,
        warning: { code: "STORAGE_UNCONFIGURED" },
      });
      expect(provider.asked).toEqual([]);
      expect(events).toMatchObject([{ type: "warning", code: "STORAGE_UNCONFIGURED" }]);
    } finally {
      await studio.stack.setEnv(storage);
    }
  });
});

function* endless(): Generator<Buffer> {
  for (;;) yield randomBytes(64 * 1024);
}
