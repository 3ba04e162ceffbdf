/** The whole loop on the local stack: real faults, real reports, the rule in the deployment, and what agents do then. */
import { createHash, randomBytes } from "node:crypto";
import { ConvexHttpClient } from "convex/browser";
import { expect, test } from "vitest";
import type { ReelsyncEvent } from "reelsync";
import { api } from "../../../convex/_generated/api.js";
import { ROLLBACK_MIN_UPLOADS } from "../../../contract/rollout.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio, type Client } from "../support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function until({ reelsync }: Client, type: ReelsyncEvent["type"]): Promise<ReelsyncEvent> {
  return new Promise((resolve) => {
    const stop = reelsync.on((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event);
    });
  });
}

async function scenes(client: Client, count: number): Promise<string[]> {
  const { sessionId } = await studio.scene(client.reelsync);
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const scene = { sessionId, sceneKey: `scene-${index}`, index: index + 1, title: `Scene ${index}` };
      return (await client.reelsync.upsertScene(scene)).sceneId;
    }),
  );
}

test("[G1] a store that refuses takes the rollout back, uploads wait, and all are published by drain()", async () => {
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const client = studio.queueing({
    agentName: "witness",
    s3: { endpoint: proxy.url, maxAttempts: 1 },
    retry: { attempts: 1 },
  });
  const sceneIds = await scenes(client, ROLLBACK_MIN_UPLOADS + 11);
  const contents = new Map(sceneIds.map((id) => [id, randomBytes(500)]));
  const upload = (id: string) =>
    client.reelsync.uploadWithConvexSync({
      file: contents.get(id) ?? "",
      entity: { type: "scene", id },
      assetType: "video_chunk",
    });
  const [first = "", ...rest] = sceneIds;
  const last = rest.pop() ?? "";
  expect(await upload(first)).toMatchObject({ state: "ready" });

  const changed = until(client, "rollout.changed");
  proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
  const refused = await Promise.all(rest.map(upload));
  expect(new Set(refused.map(({ state }) => state))).toEqual(new Set(["queued"]));
  expect(await changed).toMatchObject({ stage: "end-of-run" });

  proxy.spoil = () => undefined;
  const puts = proxy.seen.length;
  const held = await upload(last);
  expect(held).toMatchObject({ state: "queued" });
  expect(proxy.seen.slice(puts).filter(({ method }) => method === "PUT")).toEqual([]);
  const flag = (await studio.rows("flags"))[0];
  expect(flag).toMatchObject({ stage: "end-of-run", from: "on-write", automatic: true, by: "witness" });
  expect(flag?.["figures"]).toMatchObject({ uploads: expect.any(Number) as number });

  // A circuit that has opened meanwhile lets its probe through when its time has come.
  await expect.poll(async () => (await client.reelsync.drain()).waiting, { timeout: 90_000 }).toBe(0);
  const rows = (await studio.rows("assets")).filter((row) => contents.has(String(row["entityId"])));
  expect(rows).toHaveLength(sceneIds.length);
  for (const row of rows) {
    expect(row).toMatchObject({ status: "ready", version: 1 });
    const bytes = contents.get(String(row["entityId"])) ?? Buffer.alloc(0);
    expect(await studio.bucket.sha256(String(row["s3Key"]))).toBe(sha256(bytes));
  }

  const ada = new ConvexHttpClient(studio.stack.local.deployment.url, {
    auth: await studio.stack.tokenFor("ada"),
  });
  const raised = until(client, "rollout.changed");
  // An upload held back is work, and whoever is at work hears of changes.
  expect(await upload(first)).toMatchObject({ state: "queued" });
  await ada.mutation(api.flags.set, { stage: "on-write" });
  expect(await raised).toMatchObject({ stage: "on-write" });
  contents.set(first, randomBytes(500));
  await expect.poll(async () => (await upload(first)).state, { timeout: 20_000 }).toBe("ready");
}, 180_000);

test("[G7] bad input takes nothing back, however much of it there is", async () => {
  const client = studio.queueing();
  const { sceneId } = await studio.scene(client.reelsync);
  const before = await studio.rows("flags");
  const entity = { type: "scene", id: sceneId } as const;
  for (let index = 0; index < ROLLBACK_MIN_UPLOADS + 10; index++) {
    const upload = client.reelsync.uploadWithConvexSync({
      file: Buffer.alloc(0),
      entity,
      assetType: "video_chunk",
    });
    await expect(upload).rejects.toMatchObject({ code: "FILE_EMPTY" });
  }
  await client.reelsync.uploadWithConvexSync({ file: randomBytes(9), entity, assetType: "video_chunk" });
  await client.reelsync.close();
  const agents = await studio.rows("agentHealth");
  const told = agents.flatMap(
    ({ outcomes }) => (outcomes as { buckets: { errors: number; uploads: number }[] }).buckets,
  );
  expect(told.length).toBeGreaterThan(0);
  expect(await studio.rows("flags")).toEqual(before);
}, 60_000);
