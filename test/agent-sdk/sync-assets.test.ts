import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Reelsync, UploadRequest } from "reelsync";
import { createHealthReports } from "../../agent-sdk/src/convex/health-report.ts";
import { createEvents } from "../../agent-sdk/src/events.ts";
import { createOutcomes } from "../../agent-sdk/src/rollout/outcomes.ts";
import { SDK_VERSION } from "../../agent-sdk/src/version.ts";
import sdkPackage from "../../agent-sdk/package.json" with { type: "json" };
import { startFaultProxy, type Exchange } from "./support/fault-proxy.ts";
import { startStudio } from "./support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const functionOf = ({ body }: Exchange) => (body === "" ? "" : (JSON.parse(body) as { path?: string }).path);
const rowsOf = async (sceneId: string) =>
  (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);

function chunks(count: number): Omit<UploadRequest, "entity">[] {
  return Array.from({ length: count }, (_, chunkIndex) => ({
    file: Buffer.from(`chunk ${chunkIndex} ${randomBytes(8).toString("hex")}`),
    assetType: "video_chunk" as const,
    chunkIndex,
  }));
}

const usable = async (reelsync: Reelsync, sceneId: string) => {
  await reelsync.syncSceneAssets(sceneId, [
    { file: randomBytes(9), assetType: "thumbnail", contentType: "image/png" },
  ]);
};

describe("many uploads at once", () => {
  test("[G2] of a scene are all recorded as what is stored, in a few requests", async () => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const { reelsync } = studio.client({ convexUrl: proxy.url });
    const { sceneId, sessionId } = await studio.scene(reelsync);
    await usable(reelsync, sceneId);
    proxy.seen.length = 0;
    const files = chunks(100);
    const { successful, failed } = await reelsync.syncSceneAssets(sceneId, files);
    expect(failed).toEqual([]);
    expect(successful.map(({ index }) => index)).toEqual([...files.keys()]);
    for (const { index, s3Key, sha256: hash, state } of [successful[0]!, successful[99]!]) {
      expect(state).toBe("ready");
      expect(hash).toBe(sha256(files[index]!.file as Buffer));
      expect(await studio.bucket.sha256(s3Key ?? "not stored")).toBe(hash);
    }
    const functions = proxy.seen.map(functionOf).filter((path) => path?.startsWith("assets:"));
    expect(functions).toContain("assets:beginBatch");
    expect(functions).toContain("assets:commitBatch");
    expect(functions.length).toBeLessThan(100);
    const [session] = (await studio.rows("sessions")).filter(({ _id }) => _id === sessionId);
    expect(session).toMatchObject({ assetCount: 101, readyCount: 1 });
  });

  test("[G7] a bad one is listed with its own error, and the others succeed", async () => {
    const { reelsync } = studio.client();
    const { sceneId, sessionId } = await studio.scene(reelsync);
    const good = chunks(6);
    const entity = { type: "scene", id: sceneId } as const;
    const { successful, failed } = await reelsync.batchSyncAssets([
      { ...good[0]!, entity },
      { ...good[1]!, entity: { type: "scene", id: "nothing" } },
      { ...good[2]!, entity },
      { ...good[3]!, entity, file: "/nowhere/at-all.mp4" },
      { ...good[4]!, entity, file: Buffer.alloc(0) },
      { ...good[5]!, entity },
      { file: Buffer.from("{}"), assetType: "manifest", entity },
    ]);
    expect(successful.map(({ index }) => index)).toEqual([0, 2, 5]);
    expect(failed.map(({ index, error }) => [index, error.code])).toEqual([
      [1, "SCENE_NOT_FOUND"],
      [3, "FILE_NOT_FOUND"],
      [4, "FILE_EMPTY"],
      [6, "INVALID_ASSET_TYPE"],
    ]);
    const ofSession = await reelsync.syncSessionAssets(sessionId, [
      { file: Buffer.from("{}"), assetType: "manifest" },
    ]);
    expect(ofSession).toMatchObject({ successful: [{ index: 0, state: "ready" }], failed: [] });
    await expect(reelsync.batchSyncAssets("files" as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(await reelsync.batchSyncAssets([])).toEqual({ successful: [], failed: [] });
  });

  test("[G4] for one place become its versions in the order given", async () => {
    const { reelsync } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const takes = [400_000, 10, 200_000, 5].map((size) => ({
      file: randomBytes(size),
      assetType: "video_chunk" as const,
    }));
    const { successful } = await reelsync.syncSceneAssets(sceneId, takes);
    expect(successful.map(({ version, state }) => [version, state])).toEqual([
      [1, "ready"],
      [2, "ready"],
      [3, "ready"],
      [4, "ready"],
    ]);
    const current = (await rowsOf(sceneId)).find(({ status }) => status === "ready");
    expect(current).toMatchObject({ version: 4, checksum: sha256(takes[3]!.file) });
  });

  test("[G3] lost replies of whole batches change nothing", async () => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const { reelsync } = studio.client({ convexUrl: proxy.url });
    const { sceneId } = await studio.scene(reelsync);
    await usable(reelsync, sceneId);
    const lost = new Map([
      ["assets:beginBatch", 1],
      ["assets:commitBatch", 2],
    ]);
    proxy.spoil = (exchange) => {
      const path = functionOf(exchange) ?? "";
      const left = lost.get(path) ?? 0;
      lost.set(path, left - 1);
      return left > 0 ? "loseReply" : undefined;
    };
    const { successful, failed } = await reelsync.syncSceneAssets(sceneId, chunks(40));
    expect(failed).toEqual([]);
    expect(successful).toHaveLength(40);
    const rows = (await rowsOf(sceneId)).filter(({ assetType }) => assetType === "video_chunk");
    expect(rows).toHaveLength(40);
    expect(rows.every(({ version, status }) => version === 1 && status === "ready")).toBe(true);
  });

  test("[G1] stop when told to: what was committed stays, nothing is left half done", async () => {
    const { reelsync, events } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const cancel = new AbortController();
    reelsync.on(({ type }) => {
      if (type === "upload.finished" && events.filter((event) => event.type === type).length === 3)
        cancel.abort();
    });
    const files = Array.from({ length: 400 }, (_, index) => ({
      file: Buffer.from(`take ${index} ${randomBytes(4).toString("hex")}`),
      assetType: "video_chunk" as const,
      chunkIndex: index % 100,
    }));
    const { successful, failed } = await reelsync.syncSceneAssets(sceneId, files, { signal: cancel.signal });
    expect(successful.length).toBeGreaterThanOrEqual(3);
    expect(successful.length + failed.length).toBe(400);
    expect(new Set(failed.map(({ error }) => error.code))).toEqual(new Set(["ABORTED"]));
    const statuses = new Set((await rowsOf(sceneId)).map(({ status }) => status));
    expect(statuses.has("pending") || statuses.has("uploading")).toBe(false);
  }, 60_000);
});

describe("an agent's health", () => {
  const health = async () => studio.rows("agentHealth");

  test("is told at its first upload, and never by a client that uploads nothing", async () => {
    const idle = studio.client({ agentName: "idle" });
    await studio.scene(idle.reelsync);
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const busy = studio.client({ agentName: "busy", convexUrl: proxy.url });
    const { sceneId } = await studio.scene(busy.reelsync);
    await busy.reelsync.syncSceneAssets(sceneId, chunks(3));
    await expect.poll(health).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          agent: "busy",
          version: SDK_VERSION,
          breakers: { s3: "closed", convex: "closed" },
        }),
      ]),
    );
    expect((await health()).some(({ agent }) => agent === "idle")).toBe(false);
    expect(proxy.seen.filter((exchange) => functionOf(exchange) === "agents:report")).toHaveLength(1);
  });

  test("is told again when a breaker changes, and at its pace while there is work", async () => {
    const events = createEvents();
    const told: unknown[] = [];
    const breakers = {
      s3: { state: { kind: "closed" as "closed" | "halfOpen", failuresInARow: 0, openedAt: 0 } },
      convex: { state: { kind: "closed" as const, failuresInARow: 0 } },
    };
    const reports = createHealthReports({
      agent: "one",
      breakers,
      events,
      waiting: () => 2,
      journal: () => ({ waiting: 4, oldestAt: Date.now() - 1000 }),
      outcomes: createOutcomes(),
      localStage: undefined,
      intervalMs: 5,
      convex: async (_kind: unknown, _reference: unknown, args: unknown) => void told.push(args),
    });
    const names = { uploadId: "u", correlationId: "c" };
    events.emit({ type: "upload.started", ...names, fileName: "f" });
    expect(told).toEqual([]);
    events.emit({ type: "upload.begun", ...names, assetId: "a", s3Key: "k", deduped: false });
    expect(told).toMatchObject([
      { queueDepth: 3, syncWaiting: 2, journal: { depth: 4 }, breakers: { s3: "closed" } },
    ]);
    breakers.s3.state.kind = "halfOpen";
    const to = { kind: "halfOpen", openedAt: 0 } as const;
    events.emit({ type: "breaker.changed", dependency: "s3", name: "s3", to, from: to });
    await expect.poll(() => told[1]).toMatchObject({ breakers: { s3: "halfOpen" } });
    await expect.poll(() => told.length).toBeGreaterThan(3);
    await reports.close();
  });

  test("names the version of the package", () => {
    expect(SDK_VERSION).toBe(sdkPackage.version);
  });
});
