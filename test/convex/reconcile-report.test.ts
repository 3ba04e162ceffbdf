// @vitest-environment node
import { beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import { openObjectStore } from "../../convex/model/objectStore.ts";
import { scanStep } from "../../convex/model/scan.ts";
import { storageAccess } from "../../convex/model/storageEnv.ts";
import { useBucketWorld } from "./bucket-world.ts";
import type { BucketWorld } from "./bucket-world.ts";
import { beginOpen, BUCKET, intentFor, refusalOf } from "./world.ts";

const currentWorld = useBucketWorld();
let world: BucketWorld;
beforeEach(() => void (world = currentWorld()));

describe("a reconcile report", () => {
  test("a bucket that agrees with its records has no findings", async () => {
    await world.upload("one");
    await world.upload("two", { chunkIndex: 1 });
    const { report, findings } = await world.compare();
    expect(report).toMatchObject({ status: "reported", objectsSeen: 2, recordsSeen: 2 });
    expect(findings).toEqual([]);
  });

  test("[G2] each kind of drift is found once, with its cause in words", async () => {
    const orphan = `t/${world.slug}/perm/reels/orphan.mp4`;
    await world.put(orphan, "orphan");
    const lost = await world.upload("lost");
    await world.remove(lost.s3Key);
    const other = await world.upload("right", { chunkIndex: 1 });
    await world.put(other.s3Key, "wrong size");
    const { report, findings } = await world.compare();
    expect(report.findingCounts).toEqual({
      object_without_record: 1,
      record_without_object: 1,
      size_mismatch: 1,
    });
    expect(report.bytes).toEqual({
      object_without_record: 6,
      record_without_object: 4,
      size_mismatch: 10,
    });
    const found = Object.fromEntries(findings.map((one) => [one.kind, one]));
    expect(found.object_without_record).toMatchObject({
      s3Key: orphan,
      objectSize: 6,
      repair: "quarantine_object",
      state: "open",
    });
    expect(found.record_without_object).toMatchObject({
      assetId: lost.assetId,
      recordSize: 4,
      repair: "mark_record",
      reason: expect.stringContaining("not found") as string,
    });
    expect(found.size_mismatch).toMatchObject({
      assetId: other.assetId,
      objectSize: 10,
      recordSize: 5,
      reason: expect.stringContaining("10 bytes") as string,
    });
  });

  test("[G5] files kept in a folder are left alone and counted, and so is what the bucket has under their keys", async () => {
    vi.stubEnv("STORAGE_LOCAL_BASE_URL", "http://127.0.0.1:9010");
    vi.stubEnv("STORAGE_LOCAL_SIGNING_KEY", "a signing key for tests");
    const intent = intentFor(world.acme, { storageBackend: "local" });
    const { assetId, s3Key } = await beginOpen(world.acme.agent, intent);
    const object = { bucket: "local", etag: "x", size: intent.size };
    await world.acme.agent.mutation(api.assets.commit, { assetId, object });
    const without = await world.compare();
    expect(without.report).toMatchObject({ status: "reported", recordsSeen: 0, localRecords: 1 });
    expect(without.findings).toEqual([]);
    await world.put(s3Key, "left by a migration, of another size");
    expect((await world.compare()).findings).toEqual([]);
    const row = await world.t.run((ctx) => ctx.db.get("assets", assetId));
    expect(row).toMatchObject({ status: "ready", storageBackend: "local" });
  });

  test("[G5] nothing younger than grace is judged", async () => {
    await world.put(`t/${world.slug}/perm/reels/young.mp4`, "young");
    const { report, findings } = await world.compare(60_000);
    expect(report).toMatchObject({ status: "reported", objectsSeen: 1 });
    expect(findings).toEqual([]);
  });

  test("[G5] an object of a pending or uploading record is no finding, however old", async () => {
    const pending = await beginOpen(world.acme.agent, intentFor(world.acme));
    await world.put(pending.s3Key, "half");
    const uploading = await beginOpen(world.acme.agent, intentFor(world.acme, { chunkIndex: 1 }));
    await world.acme.agent.mutation(api.assets.uploading, { assetId: uploading.assetId });
    await world.put(uploading.s3Key, "half");
    expect((await world.compare()).findings).toEqual([]);
  });

  test("[G6] another tenant's objects are neither seen nor judged, even under a longer slug", async () => {
    await world.put(`t/${world.slug}0/perm/reels/neighbour.mp4`, "theirs");
    await world.put(`t/${world.slug}-b/perm/reels/neighbour.mp4`, "theirs");
    const { report, findings } = await world.compare();
    expect(report.objectsSeen).toBe(0);
    expect(findings).toEqual([]);
  });

  test("[G2] a listing without the object proves nothing: only the store's own not-found does", async () => {
    const late = await world.upload("late");
    await world.remove(late.s3Key);
    const store = openObjectStore(storageAccess());
    const run = {
      tenantId: world.acme.tenantId,
      prefix: `t/${world.slug}/`,
      graceMs: 0,
      startedAt: Date.now() + 1,
    };
    const step = await scanStep(store, run, BUCKET, run.prefix, async (stretch) => {
      // The object appears after the listing was read.
      await world.put(late.s3Key, "late");
      return world.t.query(internal.reconcileSteps.records, { tenantId: world.acme.tenantId, ...stretch });
    });
    store.close();
    expect(step).toMatchObject({ objectsSeen: 0, recordsSeen: 1, findings: [], next: null });
  });

  test("many pages of objects and of records are compared completely", { timeout: 60_000 }, async () => {
    const keys = Array.from(
      { length: 1_250 },
      (_, index) => `t/${world.slug}/perm/reels/${String(index).padStart(5, "0")}.mp4`,
    );
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map((key) => world.put(key, "12345")));
    }
    await world.t.run(async (ctx) => {
      for (const [index, s3Key] of keys.entries()) {
        if (index % 400 === 7) continue;
        await ctx.db.insert("assets", {
          tenantId: world.acme.tenantId,
          projectId: (await ctx.db.query("projects").take(1))[0]!._id,
          sessionId: world.acme.sessionId,
          entityType: "session",
          entityId: world.acme.sessionId,
          assetType: "other",
          chunkIndex: index,
          version: 1,
          status: "ready",
          bucket: BUCKET,
          s3Key,
          s3Url: `s3://${BUCKET}/${s3Key}`,
          fileName: "x.mp4",
          contentType: "video/mp4",
          size: 5,
          checksum: "0".repeat(64),
          storageBackend: "s3",
          openedAt: 1,
          uploadedAt: 1,
        });
      }
    });
    await world.remove(keys[3]!);
    await world.remove(keys[1_249]!);
    const { report, findings } = await world.compare();
    expect(report).toMatchObject({ status: "reported", objectsSeen: 1_248, recordsSeen: 1_246 });
    expect(findings.map(({ kind, s3Key }) => [kind, s3Key]).sort()).toEqual(
      [
        ...[7, 407, 807, 1_207].map((index) => ["object_without_record", keys[index]]),
        ...[3, 1_249].map((index) => ["record_without_object", keys[index]]),
      ].sort(),
    );
  });

  test("a store that cannot be reached fails the run with the cause; the next run may start", async () => {
    vi.stubEnv("S3_BUCKET", "no-such-bucket");
    const { report } = await world.compare();
    expect(report).toMatchObject({ status: "failed", error: expect.stringMatching(/bucket/i) as string });
    vi.stubEnv("S3_BUCKET", BUCKET);
    expect((await world.compare()).report.status).toBe("reported");
  });

  test("one run at a time; one that lost its action is given up", async () => {
    const runId = await world.t.run((ctx) =>
      ctx.db.insert("reconcileRuns", {
        tenantId: world.acme.tenantId,
        status: "running",
        graceMs: 0,
        startedAt: Date.now(),
        progressAt: Date.now(),
        objectsSeen: 0,
        recordsSeen: 0,
        findingCounts: { object_without_record: 0, record_without_object: 0, size_mismatch: 0 },
        bytes: { object_without_record: 0, record_without_object: 0, size_mismatch: 0 },
      }),
    );
    expect(await refusalOf(world.acme.people.admin.mutation(api.reconcile.start, {}))).toMatchObject({
      code: "RECONCILE_BUSY",
    });
    await world.t.run((ctx) => ctx.db.patch("reconcileRuns", runId, { progressAt: 1 }));
    expect((await world.compare()).report.status).toBe("reported");
    expect(await world.reportOf(runId)).toMatchObject({ status: "failed" });
  });
});
