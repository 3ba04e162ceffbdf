/** Reconcile as an admin sees it: start a run, read its report, choose what to apply. The bucket side is in `bucket.ts`. */
import { MINUTE, RECONCILE_GRACE_MS } from "../../contract/limits.ts";
import { overLimitFact } from "../../contract/reconcile.ts";
import type { FindingKind, OverLimit, ReconcileStatus, Repair } from "../../contract/reconcile.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireOwned, tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { audit } from "./audit.ts";
import { refuseWhileFrozen } from "./deleteFreeze.ts";
import { bounded, mapPage } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";
import { overLimit } from "./repairLimit.ts";
import { storageAccess } from "./storageEnv.ts";

export type CountsByKind = Record<FindingKind, number>;

export const NO_COUNTS: CountsByKind = {
  object_without_record: 0,
  record_without_object: 0,
  size_mismatch: 0,
};

export interface RunView {
  runId: Id<"reconcileRuns">;
  status: ReconcileStatus;
  graceMs: number;
  startedAt: number;
  finishedAt?: number;
  objectsSeen: number;
  recordsSeen: number;
  /** Stored records whose files are in agents' folders: not compared, and left alone. */
  localRecords: number;
  findingCounts: CountsByKind;
  bytes: CountsByKind;
  /** Kinds whose findings are applied only with `overLimit`. */
  overLimit: OverLimit[];
  error?: string;
}

export interface FindingView {
  findingId: Id<"reconcileFindings">;
  kind: FindingKind;
  s3Key: string;
  objectSize?: number;
  recordSize?: number;
  assetId?: Id<"assets">;
  lastModified?: number;
  repair: Repair;
  state: Doc<"reconcileFindings">["state"];
  note?: string;
  reason: string;
}

/** Longer than one action may run (10 minutes): a run without progress for this long has lost its action. */
export const STALLED_AFTER_MS = 15 * MINUTE;

export async function startRun(
  ctx: MutationCtx,
  caller: Caller,
  args: { tenantId?: string | undefined; graceMs?: number | undefined },
): Promise<{ runId: Id<"reconcileRuns"> }> {
  const tenantId = tenantOf(caller, args.tenantId);
  storageAccess();
  await requireIdle(ctx, tenantId);
  const now = Date.now();
  const runId = await ctx.db.insert("reconcileRuns", {
    tenantId,
    status: "running",
    graceMs: args.graceMs ?? RECONCILE_GRACE_MS,
    startedAt: now,
    progressAt: now,
    objectsSeen: 0,
    recordsSeen: 0,
    findingCounts: NO_COUNTS,
    bytes: NO_COUNTS,
  });
  await ctx.scheduler.runAfter(0, internal.bucket.scan, { runId });
  await audit(ctx, caller, { tenantId, action: "reconcile.start", target: runId });
  return { runId };
}

async function requireIdle(ctx: MutationCtx, tenantId: Id<"tenants">): Promise<void> {
  const latest = await ctx.db
    .query("reconcileRuns")
    .withIndex("by_tenantId", (q) => q.eq("tenantId", tenantId))
    .order("desc")
    .first();
  if (latest === null || !isBusy(latest)) return;
  if (!isStalled(latest)) refuse("RECONCILE_BUSY", `The run ${latest._id} is ${latest.status}.`);
  await abandonRun(ctx, latest);
}

export async function abandonRun(ctx: MutationCtx, run: Doc<"reconcileRuns">): Promise<void> {
  await ctx.db.patch("reconcileRuns", run._id, {
    status: "failed",
    error: "The run made no progress for too long and was given up.",
    finishedAt: Date.now(),
  });
}

function isBusy(run: Doc<"reconcileRuns">): boolean {
  return run.status === "running" || run.status === "applying";
}

function isStalled(run: Doc<"reconcileRuns">): boolean {
  return run.progressAt < Date.now() - STALLED_AFTER_MS;
}

export async function listRuns(
  ctx: QueryCtx,
  caller: Caller,
  args: { paginationOpts: PaginationOpts; tenantId?: string | undefined },
) {
  const tenantId = tenantOf(caller, args.tenantId);
  const result = await ctx.db
    .query("reconcileRuns")
    .withIndex("by_tenantId", (q) => q.eq("tenantId", tenantId))
    .order("desc")
    .paginate(bounded(args.paginationOpts));
  return mapPage(result, runView);
}

export async function runReport(ctx: QueryCtx, caller: Caller, args: { runId: string }): Promise<RunView> {
  return runView(await requireRun(ctx, caller, args.runId));
}

export async function listFindings(
  ctx: QueryCtx,
  caller: Caller,
  args: { runId: string; kind?: FindingKind | undefined; paginationOpts: PaginationOpts },
) {
  const run = await requireRun(ctx, caller, args.runId);
  const { kind } = args;
  const result = await ctx.db
    .query("reconcileFindings")
    .withIndex("by_runId_and_kind", (q) =>
      kind === undefined ? q.eq("runId", run._id) : q.eq("runId", run._id).eq("kind", kind),
    )
    .paginate(bounded(args.paginationOpts));
  return mapPage(result, findingView);
}

/** Only schedules: each repair re-checks in its own transaction whether its finding still holds [G5]. */
export async function applyFindings(
  ctx: MutationCtx,
  caller: Caller,
  args: { runId: string; findingIds: readonly string[]; overLimit?: boolean | undefined },
): Promise<{ scheduled: number }> {
  const run = await requireRun(ctx, caller, args.runId);
  if (isBusy(run) && !isStalled(run)) refuse("RECONCILE_BUSY", `The run ${run._id} is ${run.status}.`);
  if (run.status === "running" || run.status === "failed") {
    refuse("REPAIR_REFUSED", "This run did not finish its comparison.");
  }
  const open = await unsettled(ctx, caller, run, args.findingIds);
  if (open.length === 0) return { scheduled: 0 };
  await refuseWhileFrozen(ctx, run.tenantId, open);
  // By what the whole run found: a few findings at a time come no further than all at once.
  const over = overLimit(run).filter(({ kind }) => open.some((finding) => finding.kind === kind));
  if (over.length > 0 && args.overLimit !== true) refuse("REPAIR_REFUSED", overLimitFact(over));
  for (const { _id } of open) await ctx.db.patch("reconcileFindings", _id, { state: "applying" });
  await ctx.db.patch("reconcileRuns", run._id, { status: "applying", progressAt: Date.now() });
  const findingIds = open.map(({ _id }) => _id);
  await ctx.scheduler.runAfter(0, internal.bucket.repair, { runId: run._id, findingIds });
  const beyond = over.map(({ kind, found, compared }) => `, over the limit: ${kind} ${found} of ${compared}`);
  await audit(ctx, caller, {
    tenantId: run.tenantId,
    action: "reconcile.apply",
    target: run._id,
    detail: `${open.length} findings${beyond.join("")}`,
  });
  return { scheduled: open.length };
}

async function unsettled(
  ctx: QueryCtx,
  caller: Caller,
  run: Doc<"reconcileRuns">,
  findingIds: readonly string[],
): Promise<Doc<"reconcileFindings">[]> {
  const open: Doc<"reconcileFindings">[] = [];
  for (const id of new Set(findingIds)) {
    const finding = await requireOwned(ctx, caller, "reconcileFindings", id, "NOT_FOUND");
    if (finding.runId !== run._id) refuse("NOT_FOUND", `The finding "${id}" is not of this run.`);
    if (finding.state !== "applied" && finding.state !== "skipped") open.push(finding);
  }
  return open;
}

async function requireRun(ctx: QueryCtx, caller: Caller, id: string): Promise<Doc<"reconcileRuns">> {
  return requireOwned(ctx, caller, "reconcileRuns", id, "NOT_FOUND");
}

function runView(row: Doc<"reconcileRuns">): RunView {
  return present({
    runId: row._id,
    status: row.status,
    graceMs: row.graceMs,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    objectsSeen: row.objectsSeen,
    recordsSeen: row.recordsSeen,
    localRecords: row.localRecords ?? 0,
    findingCounts: row.findingCounts,
    bytes: row.bytes,
    overLimit: overLimit(row),
    error: row.error,
  });
}

function findingView(row: Doc<"reconcileFindings">): FindingView {
  return present({
    findingId: row._id,
    kind: row.kind,
    s3Key: row.s3Key,
    objectSize: row.objectSize,
    recordSize: row.recordSize,
    assetId: row.assetId,
    lastModified: row.lastModified,
    repair: row.repair,
    state: row.state,
    note: row.note,
    reason: row.reason,
  });
}
