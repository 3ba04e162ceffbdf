// @vitest-environment node
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { FindingKind } from "../../contract/reconcile.ts";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { openObjectStore } from "../../convex/model/objectStore.ts";
import { scanStep } from "../../convex/model/scan.ts";
import { storageAccess } from "../../convex/model/storageEnv.ts";
import { startObjectStore } from "../../local/object-store/index.ts";
import type { ObjectStore } from "../../local/object-store/index.ts";
import { addTenant, BUCKET, deployment, FIRST_PAGE, intentFor, refusalOf, storedAs } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

const credentials = { accessKeyId: "local-access-key", secretAccessKey: "local-secret-key-for-tests" };

let dataDir: string;
let server: ObjectStore;
let s3: S3Client;
let t: Deployment;
let acme: Tenant;
let slug: string;
let worlds = 0;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "reelsync-reconcile-"));
  server = await startObjectStore({ dataDir, credentials, buckets: [BUCKET] });
  s3 = new S3Client({
    region: "us-east-1",
    endpoint: server.endpoint,
    credentials,
    forcePathStyle: true,
  });
});

afterAll(async () => {
  s3.destroy();
  await server.close();
  await rm(dataDir, { recursive: true });
});

beforeEach(async () => {
  t = deployment();
  vi.stubEnv("S3_ENDPOINT_URL", server.endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
  // The bucket outlives a test: each has a tenant, and so a prefix, of its own.
  worlds += 1;
  slug = `acme-${worlds}`;
  acme = await addTenant(t, slug);
});

async function put(s3Key: string, body: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: s3Key, Body: body }));
}

async function remove(s3Key: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: s3Key }));
}

async function read(s3Key: string): Promise<string | undefined> {
  const answer = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: s3Key }));
  return answer.Body?.transformToString();
}

async function keysUnder(prefix: string): Promise<string[]> {
  const answer = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }));
  return (answer.Contents ?? []).map((one) => one.Key ?? "");
}

/** The whole line, bytes included. */
async function upload(body: string, over: Parameters<typeof intentFor>[1] = {}) {
  const intent = intentFor(acme, { size: body.length, ...over });
  const opened = await acme.agent.mutation(api.assets.begin, intent);
  await put(opened.s3Key, body);
  await acme.agent.mutation(api.assets.commit, { assetId: opened.assetId, object: storedAs(intent) });
  return { ...opened, intent };
}

async function reportOf(runId: Id<"reconcileRuns">) {
  return acme.people.admin.query(api.reconcile.report, { runId });
}

/** Lets the run's scheduled actions happen until it rests. */
async function rested(runId: Id<"reconcileRuns">) {
  for (;;) {
    await t.finishInProgressScheduledFunctions();
    const report = await reportOf(runId);
    if (report.status !== "running" && report.status !== "applying") return report;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function compare(graceMs = 0) {
  // A grace of 0 judges what is older than now, and stores keep whole milliseconds or even seconds.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
  try {
    const { runId } = await acme.people.admin.mutation(api.reconcile.start, { graceMs });
    const report = await rested(runId);
    return { runId, report, findings: await findingsOf(runId) };
  } finally {
    vi.useRealTimers();
  }
}

async function findingsOf(runId: Id<"reconcileRuns">, kind?: FindingKind) {
  const { page } = await acme.people.admin.query(api.reconcile.findings, {
    runId,
    paginationOpts: { ...FIRST_PAGE, numItems: 200 },
    ...(kind === undefined ? {} : { kind }),
  });
  return page;
}

async function apply(runId: Id<"reconcileRuns">, findingIds: string[]) {
  const answer = await acme.people.admin.mutation(api.reconcile.apply, { runId, findingIds });
  if (answer.scheduled > 0) await rested(runId);
  return answer;
}

describe("the report", () => {
  test("a bucket that agrees with its records has no findings", async () => {
    await upload("one");
    await upload("two", { chunkIndex: 1 });
    const { report, findings } = await compare();
    expect(report).toMatchObject({ status: "reported", objectsSeen: 2, recordsSeen: 2 });
    expect(findings).toEqual([]);
  });

  test("[G2] each kind of drift is found once, with its cause in words", async () => {
    const orphan = `t/${slug}/perm/reels/orphan.mp4`;
    await put(orphan, "orphan");
    const lost = await upload("lost");
    await remove(lost.s3Key);
    const other = await upload("right", { chunkIndex: 1 });
    await put(other.s3Key, "wrong size");
    const { report, findings } = await compare();
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

  test("[G5] nothing younger than grace is judged", async () => {
    await put(`t/${slug}/perm/reels/young.mp4`, "young");
    const { report, findings } = await compare(60_000);
    expect(report).toMatchObject({ status: "reported", objectsSeen: 1 });
    expect(findings).toEqual([]);
  });

  test("[G5] an object of a pending or uploading record is no finding, however old", async () => {
    const pending = await acme.agent.mutation(api.assets.begin, intentFor(acme));
    await put(pending.s3Key, "half");
    const uploading = await acme.agent.mutation(api.assets.begin, intentFor(acme, { chunkIndex: 1 }));
    await acme.agent.mutation(api.assets.uploading, { assetId: uploading.assetId });
    await put(uploading.s3Key, "half");
    expect((await compare()).findings).toEqual([]);
  });

  test("[G6] another tenant's objects are neither seen nor judged, even under a longer slug", async () => {
    await put(`t/${slug}0/perm/reels/neighbour.mp4`, "theirs");
    await put(`t/${slug}-b/perm/reels/neighbour.mp4`, "theirs");
    const { report, findings } = await compare();
    expect(report.objectsSeen).toBe(0);
    expect(findings).toEqual([]);
  });

  test("[G2] a listing without the object proves nothing: only the store's own not-found does", async () => {
    const late = await upload("late");
    await remove(late.s3Key);
    const store = openObjectStore(storageAccess());
    const run = {
      tenantId: acme.tenantId,
      prefix: `t/${slug}/`,
      graceMs: 0,
      startedAt: Date.now() + 1,
    };
    const step = await scanStep(store, run, BUCKET, run.prefix, async (stretch) => {
      // The object appears after the listing was read.
      await put(late.s3Key, "late");
      return t.query(internal.reconcileSteps.records, { tenantId: acme.tenantId, ...stretch });
    });
    store.close();
    expect(step).toMatchObject({ objectsSeen: 0, recordsSeen: 1, findings: [], next: null });
  });

  test("many pages of objects and of records are compared completely", { timeout: 60_000 }, async () => {
    const keys = Array.from(
      { length: 1_250 },
      (_, index) => `t/${slug}/perm/reels/${String(index).padStart(5, "0")}.mp4`,
    );
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map((key) => put(key, "12345")));
    }
    await t.run(async (ctx) => {
      for (const [index, s3Key] of keys.entries()) {
        if (index % 400 === 7) continue;
        await ctx.db.insert("assets", {
          tenantId: acme.tenantId,
          projectId: (await ctx.db.query("projects").take(1))[0]!._id,
          sessionId: acme.sessionId,
          entityType: "session",
          entityId: acme.sessionId,
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
    await remove(keys[3]!);
    await remove(keys[1_249]!);
    const { report, findings } = await compare();
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
    const { report } = await compare();
    expect(report).toMatchObject({ status: "failed", error: expect.stringMatching(/bucket/i) as string });
    vi.stubEnv("S3_BUCKET", BUCKET);
    expect((await compare()).report.status).toBe("reported");
  });

  test("one run at a time; one that lost its action is given up", async () => {
    const runId = await t.run((ctx) =>
      ctx.db.insert("reconcileRuns", {
        tenantId: acme.tenantId,
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
    expect(await refusalOf(acme.people.admin.mutation(api.reconcile.start, {}))).toMatchObject({
      code: "RECONCILE_BUSY",
    });
    await t.run((ctx) => ctx.db.patch("reconcileRuns", runId, { progressAt: 1 }));
    expect((await compare()).report.status).toBe("reported");
    expect(await reportOf(runId)).toMatchObject({ status: "failed" });
  });
});

describe("apply", () => {
  test("[G5] an orphan goes to quarantine, byte for byte, and only then leaves its place", async () => {
    const orphan = `t/${slug}/perm/reels/orphan größe.mp4`;
    await put(orphan, "orphan bytes");
    const { runId, findings } = await compare();
    const ids = findings.map((one) => one.findingId);
    expect(await apply(runId, ids)).toEqual({ scheduled: 1 });
    expect(await findingsOf(runId)).toMatchObject([{ state: "applied" }]);
    expect(await keysUnder(`t/${slug}/`)).toEqual([]);
    expect(await read(`quarantine/${orphan}`)).toBe("orphan bytes");
    expect(await apply(runId, ids)).toEqual({ scheduled: 0 });
  });

  test("[G2] a record whose object is gone is marked missing, and its scene, totals and quota follow", async () => {
    const lost = await upload("lost");
    const kept = await upload("kept", { chunkIndex: 1 });
    await remove(lost.s3Key);
    const { runId, findings } = await compare();
    await apply(
      runId,
      findings.map((one) => one.findingId),
    );
    const scene = await acme.agent.query(api.scenes.get, { sceneId: acme.sceneId });
    expect(scene).toMatchObject({ status: "ready", assetsStatus: "error" });
    expect(scene.chunkAssets.map((one) => one.assetId)).toEqual([kept.assetId]);
    expect(await acme.agent.query(api.assets.get, { assetId: lost.assetId })).toMatchObject({
      status: "missing",
    });
    expect(await acme.agent.query(api.sessions.get, { sessionId: acme.sessionId })).toMatchObject({
      totalAssetSize: 4,
      assetCount: 1,
    });
    expect(await t.run((ctx) => ctx.db.query("usage").take(1))).toMatchObject([{ usedBytes: 4 }]);
    const urls = await acme.agent.action(api.playback.urls, { assetIds: [lost.assetId] });
    expect(urls).toEqual([]);
    // The agent that has the file heals it with the same call.
    const again = await acme.agent.mutation(api.assets.begin, lost.intent);
    expect(again).toMatchObject({ assetId: lost.assetId, status: "pending", version: 1 });
    await put(again.s3Key, "lost");
    await acme.agent.mutation(api.assets.commit, {
      assetId: again.assetId,
      object: storedAs(lost.intent),
    });
    expect(await acme.agent.query(api.scenes.get, { sceneId: acme.sceneId })).toMatchObject({
      assetsStatus: "ready",
      chunkAssets: [{ assetId: lost.assetId }, { assetId: kept.assetId }],
    });
  });

  test("[G5] an object whose key an upload uses again since the report is left alone", async () => {
    const intent = intentFor(acme, { size: 9 });
    const opened = await acme.agent.mutation(api.assets.begin, intent);
    await put(opened.s3Key, "nine char");
    await acme.agent.mutation(api.assets.fail, {
      assetId: opened.assetId,
      code: "CONVEX_UNAVAILABLE",
      message: "no answer to the commit",
    });
    const { runId, findings } = await compare();
    expect(findings).toMatchObject([
      {
        kind: "object_without_record",
        assetId: opened.assetId,
        reason: expect.stringContaining("no answer to the commit") as string,
      },
    ]);
    await acme.agent.mutation(api.assets.begin, intent);
    await apply(
      runId,
      findings.map((one) => one.findingId),
    );
    expect(await findingsOf(runId)).toMatchObject([
      { state: "skipped", note: expect.stringContaining("pending") as string },
    ]);
    expect(await read(opened.s3Key)).toBe("nine char");
  });

  test("[G5] an object that was replaced since the report is left alone", async () => {
    const orphan = `t/${slug}/perm/reels/orphan.mp4`;
    await put(orphan, "first");
    const { runId, findings } = await compare();
    await put(orphan, "second");
    await apply(
      runId,
      findings.map((one) => one.findingId),
    );
    expect(await findingsOf(runId)).toMatchObject([
      { state: "skipped", note: expect.stringContaining("replaced") as string },
    ]);
    expect(await read(orphan)).toBe("second");
  });

  test("[G5] a record whose object came back since the report is left alone", async () => {
    const asset = await upload("back");
    await remove(asset.s3Key);
    const { runId, findings } = await compare();
    await put(asset.s3Key, "back");
    await apply(
      runId,
      findings.map((one) => one.findingId),
    );
    expect(await findingsOf(runId)).toMatchObject([{ state: "skipped" }]);
    expect(await acme.agent.query(api.assets.get, { assetId: asset.assetId })).toMatchObject({
      status: "ready",
    });
  });

  test("[G5] while an object is being moved, no upload may use its key", async () => {
    const intent = intentFor(acme, { size: 3 });
    const opened = await acme.agent.mutation(api.assets.begin, intent);
    await acme.agent.mutation(api.assets.commit, {
      assetId: opened.assetId,
      object: storedAs({ size: 4 }),
    });
    const entry = await t.run(async (ctx) => (await ctx.db.query("deleteQueue").take(1))[0]!);
    expect(await t.mutation(internal.reconcileSteps.claimQueued, { entryId: entry._id })).toMatchObject({
      claimed: true,
    });
    expect(await refusalOf(acme.agent.mutation(api.assets.begin, intent))).toMatchObject({
      code: "CONFLICT",
    });
    // A claim outlives the action that died with it only so long.
    await t.run((ctx) => ctx.db.patch("deleteQueue", entry._id, { claimedAt: 1 }));
    expect(await acme.agent.mutation(api.assets.begin, intent)).toMatchObject({ status: "pending" });
    expect(await t.mutation(internal.reconcileSteps.claimQueued, { entryId: entry._id })).toMatchObject({
      claimed: false,
    });
  });

  test("findings of a run that is still comparing, or of another run, are refused", async () => {
    await put(`t/${slug}/perm/reels/orphan.mp4`, "orphan");
    const first = await compare();
    const second = await compare();
    expect(
      await refusalOf(
        acme.people.admin.mutation(api.reconcile.apply, {
          runId: second.runId,
          findingIds: first.findings.map((one) => one.findingId),
        }),
      ),
    ).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("the hourly job", () => {
  test("[G5] a refused object goes to quarantine after grace, not before", async () => {
    const intent = intentFor(acme, { size: 3 });
    const opened = await acme.agent.mutation(api.assets.begin, intent);
    await put(opened.s3Key, "four");
    await acme.agent.mutation(api.assets.commit, {
      assetId: opened.assetId,
      object: storedAs({ size: 4 }),
    });
    await t.action(internal.bucket.drain, {});
    expect(await read(opened.s3Key)).toBe("four");
    await t.run(async (ctx) => {
      const [entry] = await ctx.db.query("deleteQueue").take(1);
      await ctx.db.patch("deleteQueue", entry!._id, { updatedAt: 1 });
    });
    await t.action(internal.bucket.drain, {});
    expect(await keysUnder(`t/${slug}/`)).toEqual([]);
    expect(await read(`quarantine/${opened.s3Key}`)).toBe("four");
    expect(await t.run((ctx) => ctx.db.query("deleteQueue").take(1))).toMatchObject([
      { state: "quarantined" },
    ]);
  });
});
