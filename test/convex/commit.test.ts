import { beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { assetSchema } from "../../contract/asset.ts";
import { api } from "../../convex/_generated/api";
import {
  addTenant,
  beginOpen,
  BUCKET,
  deployment,
  intentFor,
  publish,
  refusalOf,
  shaOf,
  storedAs,
} from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

async function scene() {
  return acme.agent.query(api.scenes.get, { sceneId: acme.sceneId });
}

async function session() {
  return acme.agent.query(api.sessions.get, { sessionId: acme.sessionId });
}

describe("commit", () => {
  test("[G3] begin and commit replayed ten times equal once", async () => {
    const intent = intentFor(acme);
    const opened = [];
    const committed = [];
    for (let round = 0; round < 10; round += 1) {
      opened.push(await beginOpen(acme.agent, intent));
      const { assetId } = opened[0]!;
      await acme.agent.mutation(api.assets.uploading, { assetId });
      committed.push(await acme.agent.mutation(api.assets.commit, { assetId, object: storedAs(intent) }));
    }
    expect(new Set(opened.map((one) => one.assetId)).size).toBe(1);
    expect(opened.slice(1).every((one) => one.status === "ready" && !one.deduped)).toBe(true);
    expect(new Set(committed.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await session()).toMatchObject({ totalAssetSize: 1000, assetCount: 1, readyCount: 1 });
    expect(await t.run((ctx) => ctx.db.query("assets").take(10))).toHaveLength(1);
    expect(await t.run((ctx) => ctx.db.query("usage").take(10))).toMatchObject([{ usedBytes: 1000 }]);
  });

  test("a committed chunk makes its scene ready, points to it and counts it", async () => {
    const { assetId } = await publish(acme.agent, intentFor(acme));
    const asset = await acme.agent.query(api.assets.get, { assetId });
    expect(z.strictObject(assetSchema.shape).parse(asset)).toEqual(asset);
    expect(asset.s3Url).toBe(`s3://${BUCKET}/${asset.s3Key}`);
    expect(await scene()).toMatchObject({
      status: "ready",
      assetsStatus: "ready",
      assetVersion: 1,
      videoAsset: { assetId, status: "ready", version: 1, checksum: expect.any(String) as string },
    });
    const timeline = await acme.people.viewer.query(api.playback.timeline, {
      sessionId: acme.sessionId,
    });
    expect(timeline?.scenes[0]).toMatchObject({
      status: "ready",
      chunks: [{ assetId, version: 1, size: 1000, durationMs: 2000 }],
    });
  });

  test("a re-render becomes the current version and the old one is history, most recent first", async () => {
    const first = await publish(acme.agent, intentFor(acme, { size: 1000 }));
    const second = await publish(acme.agent, intentFor(acme, { size: 300 }));
    expect(await scene()).toMatchObject({ assetVersion: 2, videoAsset: { assetId: second.assetId } });
    expect(await session()).toMatchObject({ totalAssetSize: 300, assetCount: 1 });
    const versions = await acme.agent.query(api.scenes.versions, {
      sceneId: acme.sceneId,
      assetType: "video_chunk",
      paginationOpts: { numItems: 10, cursor: null },
    });
    expect(versions.page.map(({ assetId, version, status }) => [assetId, version, status])).toEqual([
      [second.assetId, 2, "ready"],
      [first.assetId, 1, "superseded"],
    ]);
    // Both objects are in the bucket, so both count against the quota.
    expect(await t.run((ctx) => ctx.db.query("usage").take(10))).toMatchObject([{ usedBytes: 1300 }]);
  });

  test("[G4] a commit older than a newer committed version goes to history, not over it", async () => {
    const old = intentFor(acme, { size: 500 });
    const opened = await beginOpen(acme.agent, old);
    const newer = await publish(acme.agent, intentFor(acme, { size: 700 }));
    const late = await acme.agent.mutation(api.assets.commit, {
      assetId: opened.assetId,
      object: storedAs(old),
    });
    expect(late).toMatchObject({ status: "superseded", version: 1 });
    expect(await scene()).toMatchObject({
      videoAsset: { assetId: newer.assetId, version: 2 },
      assetsStatus: "ready",
    });
    expect(await session()).toMatchObject({ totalAssetSize: 700, assetCount: 1 });
  });

  test("[G4] a version is fenced by a newer one even when that one's object was lost since", async () => {
    const old = intentFor(acme);
    const opened = await beginOpen(acme.agent, old);
    const newer = await publish(acme.agent, intentFor(acme));
    await t.run((ctx) => ctx.db.patch("assets", newer.assetId, { status: "missing" }));
    const late = await acme.agent.mutation(api.assets.commit, {
      assetId: opened.assetId,
      object: storedAs(old),
    });
    expect(late.status).toBe("superseded");
  });

  test("[G3] an old call repeated after a newer version changes nothing", async () => {
    const old = intentFor(acme);
    await publish(acme.agent, old);
    const newer = await publish(acme.agent, intentFor(acme));
    const again = await beginOpen(acme.agent, old);
    expect(again).toMatchObject({ status: "superseded", deduped: false, version: 1 });
    expect(await scene()).toMatchObject({ videoAsset: { assetId: newer.assetId } });
  });

  test("the content of the current version needs no bytes", async () => {
    const first = intentFor(acme);
    const { assetId } = await publish(acme.agent, first);
    const same = intentFor(acme, { sha256: first.sha256 });
    const again = await beginOpen(acme.agent, same);
    expect(again).toMatchObject({ assetId, status: "ready", deduped: true, version: 1 });
    expect(await beginOpen(acme.agent, same)).toEqual(again);
  });

  test("[G3] a deduped call repeated after a newer version does not bring the old content back", async () => {
    const first = intentFor(acme);
    await publish(acme.agent, first);
    const same = intentFor(acme, { sha256: first.sha256 });
    await beginOpen(acme.agent, same);
    await publish(acme.agent, intentFor(acme));
    expect(await beginOpen(acme.agent, same)).toMatchObject({
      status: "superseded",
      version: 1,
    });
  });

  test("older content uploaded anew after a newer version is the newest version", async () => {
    const first = intentFor(acme);
    await publish(acme.agent, first);
    await publish(acme.agent, intentFor(acme));
    const restored = await publish(acme.agent, intentFor(acme, { sha256: first.sha256 }));
    expect(restored).toMatchObject({ version: 3, committed: { status: "ready" } });
    // Versions 1 and 3 share one object: it is counted once.
    expect(await t.run((ctx) => ctx.db.query("usage").take(10))).toMatchObject([{ usedBytes: 2000 }]);
  });

  test("older content asked for while a newer upload is in flight still ends as the newest", async () => {
    const first = intentFor(acme);
    await publish(acme.agent, first);
    const second = intentFor(acme);
    const inFlight = await beginOpen(acme.agent, second);
    const third = await publish(acme.agent, intentFor(acme, { sha256: first.sha256 }));
    await acme.agent.mutation(api.assets.commit, {
      assetId: inFlight.assetId,
      object: storedAs(second),
    });
    expect(await scene()).toMatchObject({ videoAsset: { assetId: third.assetId, version: 3 } });
  });

  test("two calls for the same content in flight share one row, and both find it", async () => {
    const one = intentFor(acme);
    const other = intentFor(acme, { sha256: one.sha256 });
    const a = await beginOpen(acme.agent, one);
    const b = await beginOpen(acme.agent, other);
    expect(b).toEqual(a);
    await acme.agent.mutation(api.assets.commit, { assetId: a.assetId, object: storedAs(one) });
    for (const { uploadId } of [one, other]) {
      expect(await acme.agent.query(api.assets.byUpload, { uploadId })).toMatchObject({
        assetId: a.assetId,
        status: "ready",
      });
    }
  });

  test.each([
    ["another size", { size: 999 }],
    ["another bucket", { bucket: "elsewhere" }],
  ])("[G2] a stored object of %s is refused, and the refusal is recorded", async (_what, over) => {
    const intent = intentFor(acme);
    const { assetId, s3Key } = await beginOpen(acme.agent, intent);
    const answers = [];
    for (let round = 0; round < 3; round += 1) {
      answers.push(await acme.agent.mutation(api.assets.commit, { assetId, object: storedAs(intent, over) }));
    }
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: "refused", code: "COMMIT_REFUSED" });
    expect(await acme.agent.query(api.assets.get, { assetId })).toMatchObject({ status: "error" });
    expect(await scene()).toMatchObject({ assetsStatus: "error", chunkAssets: [] });
    expect(await t.run((ctx) => ctx.db.query("usage").take(1))).toMatchObject([{ usedBytes: 0 }]);
    const queued = await t.run((ctx) => ctx.db.query("deleteQueue").take(10));
    expect(queued.map((one) => one.s3Key)).toEqual("size" in over ? [s3Key] : []);
  });

  test("a call whose upload was given up opens its own version again", async () => {
    const old = intentFor(acme);
    const { assetId } = await beginOpen(acme.agent, old);
    await acme.agent.mutation(api.assets.fail, { assetId, code: "S3_UNAVAILABLE", message: "down" });
    expect(
      await refusalOf(acme.agent.mutation(api.assets.commit, { assetId, object: storedAs(old) })),
    ).toMatchObject({ code: "CONFLICT" });
    expect(await beginOpen(acme.agent, old)).toMatchObject({
      assetId,
      status: "pending",
      version: 1,
    });
    await acme.agent.mutation(api.assets.commit, { assetId, object: storedAs(old) });
    expect(await scene()).toMatchObject({ assetsStatus: "ready", videoAsset: { assetId } });
    expect(await t.run((ctx) => ctx.db.query("usage").take(1))).toMatchObject([{ usedBytes: 1000 }]);
  });

  test("[G3] a failure reported after the commit changes nothing", async () => {
    const { assetId } = await publish(acme.agent, intentFor(acme));
    await acme.agent.mutation(api.assets.fail, { assetId, code: "ABORTED", message: "late" });
    expect(await acme.agent.query(api.assets.get, { assetId })).toMatchObject({ status: "ready" });
    expect(await scene()).toMatchObject({ assetsStatus: "ready" });
  });

  test("an upload that fails shows on its scene until the next one succeeds", async () => {
    const { assetId } = await beginOpen(acme.agent, intentFor(acme));
    expect((await scene()).assetsStatus).toBe("pending");
    await acme.agent.mutation(api.assets.uploading, { assetId });
    expect((await scene()).assetsStatus).toBe("uploading");
    await acme.agent.mutation(api.assets.fail, { assetId, code: "S3_UNAVAILABLE", message: "down" });
    expect(await scene()).toMatchObject({ assetsStatus: "error", assetsErrorMessage: "down" });
    await publish(acme.agent, intentFor(acme));
    const healed = await scene();
    expect(healed.assetsStatus).toBe("ready");
    expect(healed).not.toHaveProperty("assetsErrorMessage");
  });

  test("assets of the session itself are pointed to by the session", async () => {
    const combined = await publish(
      acme.agent,
      intentFor(acme, {
        entityType: "session",
        entityId: acme.sessionId,
        assetType: "combined_video",
        sha256: shaOf(77_777),
      }),
    );
    expect(await session()).toMatchObject({
      combinedVideoAsset: { assetId: combined.assetId },
      assetCount: 1,
    });
  });

  test("a session shows its first scene thumbnail until it has one of its own", async () => {
    const image = { assetType: "thumbnail" as const, contentType: "image/jpeg", fileName: "t.jpg" };
    const ofScene = await publish(acme.agent, intentFor(acme, image));
    expect(await session()).toMatchObject({ thumbnailAssetId: ofScene.assetId });
    const again = await publish(acme.agent, intentFor(acme, image));
    expect(await session()).toMatchObject({ thumbnailAssetId: again.assetId });
    const own = await publish(
      acme.agent,
      intentFor(acme, { ...image, entityType: "session", entityId: acme.sessionId }),
    );
    await publish(acme.agent, intentFor(acme, image));
    expect(await session()).toMatchObject({ thumbnailAssetId: own.assetId });
  });
});
