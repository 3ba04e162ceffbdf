/** The database side of a run's steps. Called by the system's own actions only, so it is handed ids instead of a caller. */
import { tenantPrefix } from "../../contract/object-key.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { ComparedRecord, Finding } from "./comparison.ts";
import { present } from "./present.ts";
import { STALLED_AFTER_MS, abandonRun } from "./reconcileRuns.ts";
import type { CountsByKind } from "./reconcileRuns.ts";
import { storageTarget } from "./storageEnv.ts";

export interface RunContext {
  tenantId: Id<"tenants">;
  prefix: string;
  graceMs: number;
  startedAt: number;
}

/** null when the run is not (or no longer) running: its action then stops. */
export async function runContext(ctx: QueryCtx, runId: Id<"reconcileRuns">): Promise<RunContext | null> {
  const run = await ctx.db.get("reconcileRuns", runId);
  const tenant = run === null ? null : await ctx.db.get("tenants", run.tenantId);
  if (run?.status !== "running" || tenant === null) return null;
  return {
    tenantId: tenant._id,
    prefix: tenantPrefix(storageTarget().base, tenant.slug),
    graceMs: run.graceMs,
    startedAt: run.startedAt,
  };
}

/** A stretch of keys: after the first (exclusive), up to the last (inclusive). S3 and Convex both order keys by their UTF-8 bytes. */
export interface KeyStretch {
  after: string;
  upTo: string;
}

/** Rows of a stretch one query reads. */
const MAX_RECORDS = 500;

/** The records of a stretch, or of as much of it as one query reads; `upTo` says how far that was. */
export async function recordsOfStretch(
  ctx: QueryCtx,
  tenantId: Id<"tenants">,
  { after, upTo }: KeyStretch,
): Promise<{ records: ComparedRecord[]; upTo: string }> {
  const rows = await ctx.db
    .query("assets")
    .withIndex("by_tenantId_and_s3Key", (q) =>
      q.eq("tenantId", tenantId).gt("s3Key", after).lte("s3Key", upTo),
    )
    .take(MAX_RECORDS + 1);
  if (rows.length <= MAX_RECORDS) return { records: rows.map(comparedRecord), upTo };
  // Versions that share a key must be judged together, so the stretch ends before the key the read broke off in.
  const brokenKey = rows.at(-1)!.s3Key;
  const whole = rows.filter((row) => row.s3Key !== brokenKey);
  const end = whole.at(-1);
  return end === undefined
    ? { records: rows.map(comparedRecord), upTo: brokenKey }
    : { records: whole.map(comparedRecord), upTo: end.s3Key };
}

function comparedRecord(row: Doc<"assets">): ComparedRecord {
  return present({
    assetId: row._id,
    storageBackend: row.storageBackend,
    bucket: row.bucket,
    s3Key: row.s3Key,
    status: row.status,
    size: row.size,
    uploadedAt: row.uploadedAt,
    errorMessage: row.errorMessage,
  });
}

export interface Progress {
  objectsSeen: number;
  /** Of these, the ones too young to be judged. */
  youngObjects: number;
  recordsSeen: number;
  /** Stored records whose files are in agents' folders: left alone. */
  localRecords: number;
  findings: Finding[];
}

/** Adds what a step saw to the run, in one transaction with its findings. Answers whether the run still goes on. */
export async function recordProgress(
  ctx: MutationCtx,
  runId: Id<"reconcileRuns">,
  progress: Progress,
): Promise<boolean> {
  const run = await ctx.db.get("reconcileRuns", runId);
  if (run?.status !== "running") return false;
  const { bucket } = storageTarget();
  for (const finding of progress.findings) {
    await ctx.db.insert("reconcileFindings", {
      tenantId: run.tenantId,
      runId,
      bucket,
      state: "open",
      ...finding,
    });
  }
  await ctx.db.patch("reconcileRuns", runId, {
    objectsSeen: run.objectsSeen + progress.objectsSeen,
    youngObjects: (run.youngObjects ?? 0) + progress.youngObjects,
    recordsSeen: run.recordsSeen + progress.recordsSeen,
    localRecords: (run.localRecords ?? 0) + progress.localRecords,
    findingCounts: addUp(run.findingCounts, progress.findings, () => 1),
    bytes: addUp(run.bytes, progress.findings, (one) => one.objectSize ?? one.recordSize ?? 0),
    progressAt: Date.now(),
  });
  return true;
}

function addUp(
  before: CountsByKind,
  findings: readonly Finding[],
  amount: (finding: Finding) => number,
): CountsByKind {
  const after = { ...before };
  for (const finding of findings) after[finding.kind] += amount(finding);
  return after;
}

export async function finishRun(
  ctx: MutationCtx,
  runId: Id<"reconcileRuns">,
  outcome: { error?: string | undefined },
): Promise<void> {
  const run = await ctx.db.get("reconcileRuns", runId);
  if (run?.status !== "running") return;
  const now = Date.now();
  await ctx.db.patch("reconcileRuns", runId, {
    status: outcome.error === undefined ? "reported" : "failed",
    ...present({ error: outcome.error }),
    finishedAt: now,
    progressAt: now,
  });
}

/** Runs one hourly job ends; there is at most one a tenant, and the next hour takes the rest. */
const ABANDON_BATCH = 50;

export async function abandonStalledRuns(ctx: MutationCtx): Promise<void> {
  const before = Date.now() - STALLED_AFTER_MS;
  const runs = await ctx.db
    .query("reconcileRuns")
    .withIndex("by_status_and_progressAt", (q) => q.eq("status", "running").lt("progressAt", before))
    .take(ABANDON_BATCH);
  for (const run of runs) await abandonRun(ctx, run);
}
