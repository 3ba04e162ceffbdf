import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { windowStart } from "../../contract/stable-url.ts";
import { addTenant, beginOpen, deployment, intentFor, publish, refusalOf } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

const LIFE = 3600;
const WINDOW = LIFE / 2;

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

async function urlOf(assetId: string, options: { download?: boolean } = {}) {
  const [signed] = await acme.people.viewer.action(api.playback.urls, {
    assetIds: [assetId],
    ...options,
  });
  if (signed === undefined) throw new Error("the asset was left out");
  return signed;
}

describe("playback.urls", () => {
  test("a URL is byte-identical for everyone through its window, and another in the next one", async () => {
    const { assetId, s3Key } = await publish(acme.agent, intentFor(acme));
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = windowStart(s3Key, Date.now() + WINDOW * 1000, LIFE);
    const urls = [];
    for (const at of [start, start + 1, start + (WINDOW - 1) * 1000 + 999]) {
      vi.setSystemTime(at);
      urls.push(await urlOf(assetId));
    }
    expect(new Set(urls.map((one) => JSON.stringify(one))).size).toBe(1);
    vi.setSystemTime(start + WINDOW * 1000);
    expect((await urlOf(assetId)).url).not.toBe(urls[0]!.url);
  });

  test("a URL lives at least half its life after it was handed out and is renewed before it ends", async () => {
    const { assetId } = await publish(acme.agent, intentFor(acme));
    const { url, expiresAt, renewAt } = await urlOf(assetId);
    const now = Date.now();
    expect(expiresAt! - now).toBeGreaterThan((LIFE * 1000) / 2 - 1000);
    expect(expiresAt! - now).toBeLessThanOrEqual(LIFE * 1000);
    expect(renewAt!).toBeGreaterThan(now);
    expect(renewAt!).toBe(expiresAt! - (LIFE * 1000) / 4);
    const signed = new URL(url).searchParams;
    expect(signed.get("X-Amz-Expires")).toBe(String(LIFE));
    expect(signed.get("X-Amz-SignedHeaders")).toBe("host");
  });

  test("windows of different objects start at different moments", () => {
    const now = Date.now();
    const starts = Array.from({ length: 200 }, (_, index) => windowStart(`key-${index}`, now, LIFE));
    expect(new Set(starts).size).toBeGreaterThan(150);
    for (const start of starts) {
      expect(start).toBeLessThanOrEqual(now);
      expect(now - start).toBeLessThan(WINDOW * 1000);
    }
  });

  test("no checksum parameter pollutes the URL, and nothing secret is in it", async () => {
    const { assetId } = await publish(acme.agent, intentFor(acme));
    const { url } = await urlOf(assetId);
    expect(url).not.toMatch(/checksum/i);
    expect(url).not.toContain("test-secret");
  });

  test("a download's name is signed in, whatever characters it has", async () => {
    const fileName = 'Größe "7" – 東京.mp4';
    const { assetId } = await publish(acme.agent, intentFor(acme, { fileName }));
    const { url } = await urlOf(assetId, { download: true });
    const disposition = new URL(url).searchParams.get("response-content-disposition") ?? "";
    expect(disposition).toMatch(/^attachment; filename="[\x20-\x7e]+"; filename\*=UTF-8''/);
    expect(decodeURIComponent(disposition.split("UTF-8''")[1]!)).toBe(fileName);
  });

  test("a public base URL is plain and does not expire", async () => {
    vi.stubEnv("S3_PUBLIC_BASE_URL", "https://cdn.example/media/");
    const { assetId, s3Key } = await publish(acme.agent, intentFor(acme));
    expect(await urlOf(assetId)).toEqual({
      assetId,
      url: `https://cdn.example/media/${s3Key}`,
      expiresAt: null,
      renewAt: null,
    });
  });

  test("assets that are not stored get no URL", async () => {
    const { assetId } = await beginOpen(acme.agent, intentFor(acme));
    expect(await acme.agent.action(api.playback.urls, { assetIds: [assetId, "no-such-id"] })).toEqual([]);
  });

  test("[G7] an unconfigured store is named with the variables that are missing", async () => {
    vi.stubEnv("AWS_REGION", "");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "");
    const refused = await refusalOf(acme.agent.action(api.playback.urls, { assetIds: [] }));
    expect(refused.code).toBe("STORAGE_UNCONFIGURED");
    expect(refused.message).toMatch(/AWS_REGION.*AWS_SECRET_ACCESS_KEY/);
  });
});

describe("playback.timeline", () => {
  test("scenes come in their order, with chunks in theirs, and without any URL", async () => {
    for (const [sceneKey, index] of [
      ["outro", 9],
      ["middle", 5],
    ] as const) {
      await acme.agent.mutation(api.scenes.upsert, {
        sessionId: acme.sessionId,
        sceneKey,
        index,
        title: sceneKey,
        plannedDurationMs: 4000,
      });
    }
    for (const chunkIndex of [2, 0, 1]) await publish(acme.agent, intentFor(acme, { chunkIndex }));
    await publish(
      acme.agent,
      intentFor(acme, { assetType: "subtitle", contentType: "text/vtt", fileName: "a.vtt" }),
    );
    const timeline = await acme.people.viewer.query(api.playback.timeline, {
      sessionId: acme.sessionId,
    });
    expect(timeline?.scenes.map(({ sceneKey }) => sceneKey)).toEqual(["intro", "middle", "outro"]);
    expect(timeline?.scenes[0]?.chunks.map(({ chunkIndex }) => chunkIndex)).toEqual([0, 1, 2]);
    expect(timeline?.scenes[0]?.subtitle).toMatchObject({ contentType: "text/vtt" });
    expect(timeline?.scenes[1]).toMatchObject({ status: "planned", chunks: [], plannedDurationMs: 4000 });
    expect(JSON.stringify(timeline)).not.toMatch(/https?:|X-Amz/);
  });

  test("a session that does not exist is null", async () => {
    const timeline = await acme.agent.query(api.playback.timeline, { sessionId: "nothing" });
    expect(timeline).toBeNull();
  });
});
