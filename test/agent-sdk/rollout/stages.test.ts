import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { ConvexHttpClient } from "convex/browser";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ReelsyncEvent, RolloutStage } from "reelsync";
import { api } from "../../../convex/_generated/api.js";
import { startFaultProxy, type Exchange } from "../support/fault-proxy.ts";
import { startStudio, type Client } from "../support/studio.ts";
import { renderFolder } from "../folders/render-folder.ts";

const studio = startStudio();

async function set(stage: RolloutStage | null, project?: string): Promise<void> {
  const ada = new ConvexHttpClient(studio.stack.local.deployment.url, {
    auth: await studio.stack.tokenFor("ada"),
    logger: false,
  });
  await ada.mutation(api.flags.set, { stage, ...(project !== undefined && { project }) });
}

/** The tenant is everybody's in this file. */
async function during(stage: RolloutStage): Promise<void> {
  await set(stage);
  onTestFinished(() => set("on-write"));
}

const functionOf = ({ body }: Exchange) => (body === "" ? "" : (JSON.parse(body) as { path?: string }).path);
const chunk = (sceneId: string, chunkIndex = 0) =>
  ({ entity: { type: "scene", id: sceneId }, assetType: "video_chunk", chunkIndex }) as const;
const timelineOf = (sceneId: string) => rowOf("scenes", (row) => row["_id"] === sceneId);
const rowOf = async (table: string, matches: (row: Record<string, unknown>) => boolean) =>
  (await studio.rows(table)).find(matches);

function until({ reelsync, events }: Client, type: ReelsyncEvent["type"], count = 1): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (events.filter((event) => event.type === type).length >= count) resolve();
    };
    onTestFinished(reelsync.on(check));
    check();
  });
}

describe("off", () => {
  test("answers `skipped` at once: nothing is read, sent or kept", async () => {
    await during("off");
    const s3 = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    const client = studio.queueing({ s3: { endpoint: s3.url } });
    const { sceneId } = await studio.scene(client.reelsync);
    const before = await studio.snapshot();
    const stream = Readable.from([randomBytes(10)]);
    for (const file of ["/nowhere/at/all.mp4", stream]) {
      expect(await client.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file })).toEqual({
        state: "skipped",
        uploadId: expect.any(String) as string,
      });
    }
    expect(stream.readableDidRead).toBe(false);
    expect(s3.seen).toEqual([]);
    expect(await studio.snapshot()).toEqual(before);
    expect(client.events.map(({ type }) => type)).toEqual(["upload.skipped", "upload.skipped"]);
  });

  test("[G7] a strict client, which promises an asset, is told so; wrong arguments are refused as ever", async () => {
    await during("off");
    const client = studio.client();
    const { sceneId } = await studio.scene(client.reelsync);
    const upload = client.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: randomBytes(10) });
    await expect(upload).rejects.toMatchObject({ code: "ROLLOUT_OFF", retryable: false });
    const wrong = studio.queueing().reelsync.uploadWithConvexSync({
      file: randomBytes(10),
      entity: { type: "scene", id: sceneId },
      assetType: "manifest",
    });
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_ASSET_TYPE" });
  });

  test.each([
    ["a queueing", studio.queueing],
    ["a strict", studio.client],
  ])("folders of %s client tell its files apart from those that were sent", async (_kind, open) => {
    const { reelsync } = open({ rollout: "off" });
    const root = await renderFolder(["s/chunk-0.mp4", "s/chunk-1.mp4"]);
    const { sessionId } = await reelsync.createSession({
      title: "Off",
      project: "demo",
      sessionKey: root,
    });
    const before = await studio.rows("assets");
    const synced = await reelsync.syncDir(root, { sessionId });
    expect(synced).toMatchObject({
      successful: [],
      failed: [],
      skipped: [],
      switchedOff: [{ relative: "s/chunk-0.mp4", scene: "s" }, { relative: "s/chunk-1.mp4" }],
    });

    const told: string[] = [];
    const watching = await reelsync.watch(root, {
      sessionId,
      settleMs: 100,
      onFile: ({ type, relative }) => void told.push(`${type} ${relative}`),
    });
    await expect
      .poll(() => told.toSorted())
      .toEqual(["switchedOff s/chunk-0.mp4", "switchedOff s/chunk-1.mp4"]);
    expect(await watching.close()).toEqual({
      sessionId,
      sent: 0,
      failed: 0,
      switchedOff: 2,
      unfinished: [],
    });
    expect(await studio.rows("assets")).toEqual(before);
  });

  test("[G1] leaves what was queued before where it is, until the stage is raised", async () => {
    await during("end-of-run");
    const client = studio.queueing();
    const { sceneId } = await studio.scene(client.reelsync);
    await client.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: randomBytes(10) });
    await set("off");
    await until(client, "rollout.changed");
    expect(await client.reelsync.drain()).toEqual({ sent: 0, failed: 0, waiting: 1 });
    await set("on-write");
    await until(client, "journal.sent");
    expect(await timelineOf(sceneId)).toMatchObject({ status: "ready" });
  });
});

test("shadow: the whole line runs, and viewers see nothing of it", async () => {
  await during("shadow");
  const client = studio.queueing();
  const { sceneId } = await studio.scene(client.reelsync);
  const before = await timelineOf(sceneId);
  const bytes = randomBytes(2_000);
  const result = await client.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: bytes });
  expect(result).toMatchObject({ state: "superseded", version: 1 });
  expect(await studio.bucket.keys()).toContain(result.s3Key);
  expect(await timelineOf(sceneId)).toEqual(before);
  await set("on-write");
  await until(client, "rollout.changed");
  const shown = await client.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: bytes });
  expect(shown).toMatchObject({ state: "ready", version: 2 });
  expect(await timelineOf(sceneId)).toMatchObject({ status: "ready" });
});

describe("[G1] end-of-run: uploads are kept on the agent's disk and published at its end", () => {
  test.each([
    ["endSession()", ({ reelsync }: Client, sessionId: string) => reelsync.endSession({ sessionId })],
    ["drain()", ({ reelsync }: Client) => reelsync.drain()],
    ["close()", ({ reelsync }: Client) => reelsync.close()],
  ])("by %s", async (_how, end) => {
    await during("end-of-run");
    const client = studio.queueing();
    const { sessionId, sceneId } = await studio.scene(client.reelsync);
    const files = [0, 1, 2].map((index) => ({ ...chunk(sceneId, index), file: randomBytes(1_000) }));
    for (const request of files) {
      expect(await client.reelsync.uploadWithConvexSync(request)).toMatchObject({ state: "queued" });
    }
    expect((await studio.rows("assets")).filter((row) => row["entityId"] === sceneId)).toEqual([]);
    await end(client, sessionId);
    expect(await timelineOf(sceneId)).toMatchObject({ status: "ready", chunks: [{}, {}, {}] });
  });

  test("by the next process, when this one is gone", async () => {
    await during("end-of-run");
    const first = studio.queueing();
    const { sceneId } = await studio.scene(first.reelsync);
    await first.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: randomBytes(1_000) });
    await first.reelsync.close({ graceMs: 0 });
    expect(await timelineOf(sceneId)).toMatchObject({ status: "planned" });
    const second = studio.queueing({ journalDir: first.journalDir });
    await until(second, "journal.recovered");
    expect(await second.reelsync.drain()).toEqual({ sent: 1, failed: 0, waiting: 0 });
    expect(await timelineOf(sceneId)).toMatchObject({ status: "ready" });
  });

  test("by themselves within seconds, when an admin raises the stage", async () => {
    await during("end-of-run");
    const client = studio.queueing();
    const { sceneId } = await studio.scene(client.reelsync);
    await client.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: randomBytes(1_000) });
    const raisedAt = performance.now();
    await set("on-write");
    await until(client, "journal.sent");
    expect(performance.now() - raisedAt).toBeLessThan(15_000);
    expect(await timelineOf(sceneId)).toMatchObject({ status: "ready" });
  });

  test("a strict client, which has to answer with the asset, publishes at once", async () => {
    await during("end-of-run");
    const { reelsync } = studio.client();
    const { sceneId } = await studio.scene(reelsync);
    const upload = reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: randomBytes(10) });
    expect(await upload).toMatchObject({ state: "ready" });
  });
});

describe("which stage holds", () => {
  test("a project's own, for scenes the client made and for those it only knows the id of", async () => {
    const client = studio.queueing();
    const { sceneId } = await studio.scene(client.reelsync);
    await set("off", "demo");
    onTestFinished(() => set(null, "demo"));
    const { sessionId } = await client.reelsync.createSession({
      title: "Other",
      project: "other",
      sessionKey: "other-project",
    });
    const other = await client.reelsync.upsertScene({ sessionId, sceneKey: "a", index: 0, title: "A" });
    const stranger = studio.queueing();
    for (const { reelsync } of [client, stranger]) {
      const upload = async (id: string) =>
        (await reelsync.uploadWithConvexSync({ ...chunk(id), file: randomBytes(10) })).state;
      // The first client may have asked before the project was switched off.
      await expect.poll(() => upload(sceneId), { timeout: 15_000 }).toBe("skipped");
      expect(await upload(other.sceneId)).toBe("ready");
    }
  });

  test("the machine's own, by option or variable, before all others; nobody is asked then", async () => {
    await during("off");
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const byOption = studio.queueing({ rollout: "on-write", convexUrl: proxy.url });
    const { sceneId } = await studio.scene(byOption.reelsync);
    const file = randomBytes(10);
    expect(await byOption.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file })).toMatchObject({
      state: "ready",
    });
    expect(proxy.seen.map(functionOf).filter((path) => path?.startsWith("flags"))).toEqual([]);
    const env = { ...studio.stack.agentEnv, REELSYNC_ROLLOUT: "shadow" };
    const byVariable = studio.queueing({ env });
    expect(
      await byVariable.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: randomBytes(10) }),
    ).toMatchObject({ state: "superseded" });
    expect(() => studio.queueing({ env: { ...env, REELSYNC_ROLLOUT: "half" } })).toThrow(/REELSYNC_ROLLOUT/);
  });

  test("is not asked for by each upload", async () => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const { reelsync } = studio.queueing({ convexUrl: proxy.url });
    const { sceneId } = await studio.scene(reelsync);
    const started = performance.now();
    for (let index = 0; index < 40; index++) {
      await reelsync.uploadWithConvexSync({ ...chunk(sceneId, index), file: randomBytes(10) });
    }
    const seconds = (performance.now() - started) / 1000;
    const asked = proxy.seen.filter((exchange) => functionOf(exchange) === "flags:get").length;
    expect(asked).toBeLessThanOrEqual(1 + seconds / 4);
  });

  test("the last known one while Convex is down", async () => {
    await during("end-of-run");
    const client = studio.queueing();
    const { sceneId } = await studio.scene(client.reelsync);
    await client.reelsync.uploadWithConvexSync({ ...chunk(sceneId), file: randomBytes(10) });
    const { deployment } = studio.stack.local;
    await deployment.stop();
    const held = await client.reelsync
      .uploadWithConvexSync({ ...chunk(sceneId, 1), file: randomBytes(10) })
      .finally(() => deployment.start());
    expect(held).toMatchObject({ state: "queued" });
    expect(client.events).toContainEqual(
      expect.objectContaining({
        type: "upload.queued",
        uploadId: held.uploadId,
        code: "ROLLOUT_HELD",
      }),
    );
    expect(await client.reelsync.drain()).toMatchObject({ sent: 2, waiting: 0 });
  });
});
