// @vitest-environment node
import { beforeEach, describe, expect, test } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import { useBucketWorld } from "./bucket-world.ts";
import type { BucketWorld } from "./bucket-world.ts";
import { beginOpen, intentFor, refusalOf, storedAs } from "./world.ts";

const currentWorld = useBucketWorld();
let world: BucketWorld;
beforeEach(() => void (world = currentWorld()));

describe("applying findings", () => {
  test("[G5] an orphan goes to quarantine, byte for byte, and only then leaves its place", async () => {
    const orphan = `t/${world.slug}/perm/reels/orphan größe.mp4`;
    await world.put(orphan, "orphan bytes");
    const { runId, findings } = await world.compare();
    const ids = findings.map((one) => one.findingId);
    expect(await world.apply(runId, ids)).toEqual({ scheduled: 1 });
    expect(await world.findingsOf(runId)).toMatchObject([{ state: "applied" }]);
    expect(await world.keysUnder(`t/${world.slug}/`)).toEqual([]);
    expect(await world.read(`quarantine/${orphan}`)).toBe("orphan bytes");
    expect(await world.apply(runId, ids)).toEqual({ scheduled: 0 });
  });

  test("[G2] a record whose object is gone is marked missing, and its scene, totals and quota follow", async () => {
    const lost = await world.upload("lost");
    const kept = await world.upload("kept", { chunkIndex: 1 });
    await world.remove(lost.s3Key);
    const { runId, findings } = await world.compare();
    await world.apply(
      runId,
      findings.map((one) => one.findingId),
    );
    const scene = await world.acme.agent.query(api.scenes.get, { sceneId: world.acme.sceneId });
    expect(scene).toMatchObject({ status: "ready", assetsStatus: "error" });
    expect(scene.chunkAssets.map((one) => one.assetId)).toEqual([kept.assetId]);
    expect(await world.acme.agent.query(api.assets.get, { assetId: lost.assetId })).toMatchObject({
      status: "missing",
    });
    expect(await world.acme.agent.query(api.sessions.get, { sessionId: world.acme.sessionId })).toMatchObject(
      {
        totalAssetSize: 4,
        assetCount: 1,
      },
    );
    expect(await world.t.run((ctx) => ctx.db.query("usage").take(1))).toMatchObject([{ usedBytes: 4 }]);
    const urls = await world.acme.agent.action(api.playback.urls, { assetIds: [lost.assetId] });
    expect(urls).toEqual([]);
    // The agent that has the file heals it with the same call.
    const again = await beginOpen(world.acme.agent, lost.intent);
    expect(again).toMatchObject({ assetId: lost.assetId, status: "pending", version: 1 });
    await world.put(again.s3Key, "lost");
    await world.acme.agent.mutation(api.assets.commit, {
      assetId: again.assetId,
      object: storedAs(lost.intent),
    });
    expect(await world.acme.agent.query(api.scenes.get, { sceneId: world.acme.sceneId })).toMatchObject({
      assetsStatus: "ready",
      chunkAssets: [{ assetId: lost.assetId }, { assetId: kept.assetId }],
    });
  });

  test("[G5] an object whose key an upload uses again since the report is left alone", async () => {
    const intent = intentFor(world.acme, { size: 9 });
    const opened = await beginOpen(world.acme.agent, intent);
    await world.put(opened.s3Key, "nine char");
    await world.acme.agent.mutation(api.assets.fail, {
      assetId: opened.assetId,
      code: "CONVEX_UNAVAILABLE",
      message: "no answer to the commit",
    });
    const { runId, findings } = await world.compare();
    expect(findings).toMatchObject([
      {
        kind: "object_without_record",
        assetId: opened.assetId,
        reason: expect.stringContaining("no answer to the commit") as string,
      },
    ]);
    await beginOpen(world.acme.agent, intent);
    await world.apply(
      runId,
      findings.map((one) => one.findingId),
    );
    expect(await world.findingsOf(runId)).toMatchObject([
      { state: "skipped", note: expect.stringContaining("pending") as string },
    ]);
    expect(await world.read(opened.s3Key)).toBe("nine char");
  });

  test("[G5] an object that was replaced since the report is left alone", async () => {
    const orphan = `t/${world.slug}/perm/reels/orphan.mp4`;
    await world.put(orphan, "first");
    const { runId, findings } = await world.compare();
    await world.put(orphan, "second");
    await world.apply(
      runId,
      findings.map((one) => one.findingId),
    );
    expect(await world.findingsOf(runId)).toMatchObject([
      { state: "skipped", note: expect.stringContaining("replaced") as string },
    ]);
    expect(await world.read(orphan)).toBe("second");
  });

  test("[G5] a record whose object came back since the report is left alone", async () => {
    const asset = await world.upload("back");
    await world.remove(asset.s3Key);
    const { runId, findings } = await world.compare();
    await world.put(asset.s3Key, "back");
    await world.apply(
      runId,
      findings.map((one) => one.findingId),
    );
    expect(await world.findingsOf(runId)).toMatchObject([{ state: "skipped" }]);
    expect(await world.acme.agent.query(api.assets.get, { assetId: asset.assetId })).toMatchObject({
      status: "ready",
    });
  });

  test("[G5] while an object is being moved, no upload may use its key", async () => {
    const intent = intentFor(world.acme, { size: 3 });
    const opened = await beginOpen(world.acme.agent, intent);
    await world.acme.agent.mutation(api.assets.commit, {
      assetId: opened.assetId,
      object: storedAs({ size: 4 }),
    });
    const entry = await world.t.run(async (ctx) => (await ctx.db.query("deleteQueue").take(1))[0]!);
    expect(await world.t.mutation(internal.reconcileSteps.claimQueued, { entryId: entry._id })).toMatchObject(
      {
        claimed: true,
      },
    );
    expect(await refusalOf(beginOpen(world.acme.agent, intent))).toMatchObject({
      code: "CONFLICT",
    });
    // A claim outlives the action that died with it only so long.
    await world.t.run((ctx) => ctx.db.patch("deleteQueue", entry._id, { claimedAt: 1 }));
    expect(await beginOpen(world.acme.agent, intent)).toMatchObject({ status: "pending" });
    expect(await world.t.mutation(internal.reconcileSteps.claimQueued, { entryId: entry._id })).toMatchObject(
      {
        claimed: false,
      },
    );
  });

  test("[G5] another deployment's files under the same prefix are not taken for strays of this one", async () => {
    const theirs = Array.from({ length: 25 }, (_, index) => `t/${world.slug}/perm/reels/theirs-${index}.mp4`);
    for (const s3Key of theirs) await world.put(s3Key, "live");
    const { runId, report, findings } = await world.compare();
    expect(report.overLimit).toEqual([{ kind: "object_without_record", found: 25, compared: 25 }]);
    const [first] = findings;
    expect(await refusalOf(world.apply(runId, [first!.findingId]))).toMatchObject({ code: "REPAIR_REFUSED" });
    expect((await world.keysUnder(`t/${world.slug}/`)).sort()).toEqual(theirs.sort());
    expect(await world.findingsOf(runId)).toEqual(findings);
    // What they have only just stored is not judged, and so does not make the older ones a smaller share.
    const young = await world.compare(60_000);
    expect(young.report).toMatchObject({ objectsSeen: 25, overLimit: [] });
    const run = await world.t.run((ctx) => ctx.db.get("reconcileRuns", young.runId));
    expect(run).toMatchObject({ youngObjects: 25 });
  });

  test("findings of a run that is still comparing, or of another run, are refused", async () => {
    await world.put(`t/${world.slug}/perm/reels/orphan.mp4`, "orphan");
    const first = await world.compare();
    const second = await world.compare();
    expect(
      await refusalOf(
        world.acme.people.admin.mutation(api.reconcile.apply, {
          runId: second.runId,
          findingIds: first.findings.map((one) => one.findingId),
        }),
      ),
    ).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("the hourly job", () => {
  test("[G5] a refused object goes to quarantine after grace, not before", async () => {
    const intent = intentFor(world.acme, { size: 3 });
    const opened = await beginOpen(world.acme.agent, intent);
    await world.put(opened.s3Key, "four");
    await world.acme.agent.mutation(api.assets.commit, {
      assetId: opened.assetId,
      object: storedAs({ size: 4 }),
    });
    await world.t.action(internal.bucket.drain, {});
    expect(await world.read(opened.s3Key)).toBe("four");
    await world.t.run(async (ctx) => {
      const [entry] = await ctx.db.query("deleteQueue").take(1);
      await ctx.db.patch("deleteQueue", entry!._id, { updatedAt: 1 });
    });
    await world.t.action(internal.bucket.drain, {});
    expect(await world.keysUnder(`t/${world.slug}/`)).toEqual([]);
    expect(await world.read(`quarantine/${opened.s3Key}`)).toBe("four");
    expect(await world.t.run((ctx) => ctx.db.query("deleteQueue").take(1))).toMatchObject([
      { state: "quarantined" },
    ]);
  });
});
