import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Doc } from "../../convex/_generated/dataModel";
import { api, internal } from "../../convex/_generated/api";
import { addTenant, deployment, intentFor, refusalIn, shaOf, storedAs, uploadIdOf } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

/** One step of a history as agents, admins and outages make it; numbers choose among what exists by then. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("begin" as const),
      slot: fc.nat(5),
      content: fc.nat(4),
      repeatsACall: fc.nat(9).map((number) => number === 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      of: fc.nat(50),
      wrongSize: fc.nat(4).map((number) => number === 0),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("uploading" as const, "fail" as const, "lose" as const),
      of: fc.nat(50),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("say" as const),
      scene: fc.nat(1),
      as: fc.constantFrom("rendering" as const, "failed" as const),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Slots over two scenes and the session, so that totals have several parents to be wrong about. */
const SLOTS = [
  { scene: 0, assetType: "video_chunk", contentType: "video/mp4", chunkIndex: 0 },
  { scene: 0, assetType: "video_chunk", contentType: "video/mp4", chunkIndex: 1 },
  { scene: 0, assetType: "thumbnail", contentType: "image/png", chunkIndex: 0 },
  { scene: 1, assetType: "video_chunk", contentType: "video/mp4", chunkIndex: 0 },
  { scene: 1, assetType: "subtitle", contentType: "text/vtt", chunkIndex: 0 },
  { scene: null, assetType: "combined_video", contentType: "video/mp4", chunkIndex: 0 },
] as const;

/** Numbers of this suite's contents, apart from other fixtures'. */
const CONTENTS = 0x10000;
const REPEATED_CALL = uploadIdOf(CONTENTS);

async function run(t: Deployment, acme: Tenant, scenes: string[], one: Step): Promise<void> {
  if (one.do === "begin") return beginOpen(acme, scenes, one);
  if (one.do === "say") {
    await acme.agent.mutation(api.scenes.upsert, {
      sessionId: acme.sessionId,
      sceneKey: `s${one.scene}`,
      index: one.scene,
      title: "Scene",
      status: one.as,
    });
    return;
  }
  const assets = await t.run((ctx) => ctx.db.query("assets").take(1000));
  const row = assets[one.of % Math.max(1, assets.length)];
  if (row === undefined) return;
  const assetId = row._id;
  switch (one.do) {
    case "commit": {
      const object = storedAs({ size: one.wrongSize ? row.size + 1 : row.size });
      await acme.agent.mutation(api.assets.commit, { assetId, object }).catch(expectRefusal);
      return;
    }
    case "uploading":
      await acme.agent.mutation(api.assets.uploading, { assetId });
      return;
    case "fail":
      await acme.agent.mutation(api.assets.fail, { assetId, code: "ABORTED", message: "stopped" });
      return;
    case "lose":
      await lose(t, acme, row);
  }
}

async function beginOpen(acme: Tenant, scenes: string[], one: Extract<Step, { do: "begin" }>): Promise<void> {
  const { scene, ...slot } = SLOTS[one.slot]!;
  await acme.agent
    .mutation(api.assets.begin, {
      ...intentFor(acme),
      ...(one.repeatsACall ? { uploadId: REPEATED_CALL } : {}),
      ...slot,
      entityType: scene === null ? "session" : "scene",
      entityId: scene === null ? acme.sessionId : scenes[scene]!,
      // Two chunks of one scene may be equal, and then share their object.
      sha256: shaOf(CONTENTS + one.content),
      size: 10 ** one.content,
    })
    .catch(expectRefusal);
}

/** What reconcile does to a record whose object is gone. */
async function lose(t: Deployment, acme: Tenant, row: Doc<"assets">): Promise<void> {
  const findingId = await t.run(async (ctx) => {
    const counts = { object_without_record: 0, record_without_object: 1, size_mismatch: 0 };
    const runId = await ctx.db.insert("reconcileRuns", {
      tenantId: acme.tenantId,
      status: "applying",
      graceMs: 0,
      startedAt: 1,
      progressAt: 1,
      objectsSeen: 0,
      recordsSeen: 1,
      findingCounts: counts,
      bytes: counts,
    });
    return ctx.db.insert("reconcileFindings", {
      tenantId: acme.tenantId,
      runId,
      kind: "record_without_object",
      bucket: row.bucket,
      s3Key: row.s3Key,
      assetId: row._id,
      reason: "gone",
      repair: "mark_record",
      state: "applying",
    });
  });
  await t.mutation(internal.reconcileSteps.mark, { findingId });
}

/** Histories contain calls that are refused; a refusal is an answer, anything else is a failure of the test. */
function expectRefusal(fault: unknown): void {
  expect(["CONFLICT", "INVALID_ARGUMENT"]).toContain(refusalIn(fault).code);
}

async function expectConsistent(t: Deployment, acme: Tenant): Promise<void> {
  const { assets, scenes, session, usage } = await t.run(async (ctx) => ({
    assets: await ctx.db.query("assets").take(1000),
    scenes: await ctx.db.query("scenes").take(1000),
    session: await ctx.db.get("sessions", acme.sessionId),
    usage: await ctx.db.query("usage").take(10),
  }));
  const current = assets.filter((row) => row.status === "ready");
  const slots = current.map((row) => `${row.entityId}/${row.assetType}/${row.chunkIndex}`);
  expect(new Set(slots).size, "one current version a slot").toBe(slots.length);
  expect(session).toMatchObject({
    totalAssetSize: current.reduce((sum, row) => sum + row.size, 0),
    assetCount: current.length,
    sceneCount: scenes.length,
    readyCount: scenes.filter((row) => row.status === "ready").length,
    failedCount: scenes.filter((row) => row.status === "failed").length,
  });
  const held = new Map(
    assets
      .filter((row) => ["pending", "uploading", "ready", "superseded"].includes(row.status))
      .map((row) => [row.s3Key, row.size]),
  );
  expect(usage[0]?.usedBytes ?? 0).toBe([...held.values()].reduce((sum, size) => sum + size, 0));
  for (const scene of scenes) {
    const chunks = current.filter((row) => row.entityId === scene._id && row.assetType === "video_chunk");
    expect(scene.chunks.map((chunk) => chunk.assetId).sort()).toEqual(chunks.map((row) => row._id).sort());
    expect(scene.status === "ready").toBe(chunks.length > 0);
    const inFlight = assets.filter(
      (row) => row.entityId === scene._id && ["pending", "uploading"].includes(row.status),
    );
    if (scene.assetsStatus === "ready") expect(inFlight).toEqual([]);
    if (scene.assetsStatus === "uploading") {
      expect(inFlight.map((row) => row.status)).toContain("uploading");
    }
  }
  for (const row of current) {
    const newer = assets.filter(
      (one) =>
        one.entityId === row.entityId &&
        one.assetType === row.assetType &&
        one.chunkIndex === row.chunkIndex &&
        one.version > row.version &&
        ["ready", "missing"].includes(one.status),
    );
    expect(newer, "no current version older than a committed one").toEqual([]);
  }
}

describe("totals", () => {
  test(
    "[G3] [G4] after any history, totals, quota, pointers and counters equal the sum of the rows",
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), async (history) => {
          const t = deployment();
          const acme = await addTenant(t, "acme");
          const scenes: string[] = [];
          for (const index of [0, 1]) {
            const { sceneId } = await acme.agent.mutation(api.scenes.upsert, {
              sessionId: acme.sessionId,
              sceneKey: `s${index}`,
              index,
              title: "Scene",
            });
            scenes.push(sceneId);
          }
          for (const one of history) await run(t, acme, scenes, one);
          await expectConsistent(t, acme);
        }),
        { numRuns: 60 },
      );
    },
  );
});
