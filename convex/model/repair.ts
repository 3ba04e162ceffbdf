/**
 * The database side of repairs. Each re-checks, in the transaction that acts, whether its finding still holds: what changed since the report is
 * skipped with a note, never forced [G5].
 */
import { frozenFact } from "../../contract/reconcile.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { isKeptLocally, isStored } from "./comparison.ts";
import { freezeOf } from "./deleteFreeze.ts";
import { claimDelete, enqueueDelete } from "./deleteQueue.ts";
import { followAsset } from "./sceneState.ts";
import { changeSession } from "./sessionCounters.ts";
import { release } from "./usage.ts";

/** What the applying action needs to know of a finding. */
export type RepairTask = Pick<
  Doc<"reconcileFindings">,
  "_id" | "kind" | "repair" | "bucket" | "s3Key" | "objectEtag" | "recordSize"
>;

export type Settled = "applied" | "skipped" | "failed";

export async function settleFinding(
  ctx: MutationCtx,
  findingId: Id<"reconcileFindings">,
  outcome: { state: Settled; note?: string | undefined },
): Promise<void> {
  const finding = await ctx.db.get("reconcileFindings", findingId);
  if (finding === null) return;
  await ctx.db.patch("reconcileFindings", findingId, { state: outcome.state, note: outcome.note });
  await ctx.db.patch("reconcileRuns", finding.runId, { progressAt: Date.now() });
}

export type Claim =
  | { claimed: true; entryId: Id<"deleteQueue"> }
  /** `frozen`: it may be asked for again once deletes are thawed. */
  | { claimed: false; why: string; frozen?: true };

/** Queues the finding's object and claims it at once, unless a record holds it by now. Frozen, it is not even queued. */
export async function claimFinding(ctx: MutationCtx, findingId: Id<"reconcileFindings">): Promise<Claim> {
  const finding = await ctx.db.get("reconcileFindings", findingId);
  if (finding === null) return { claimed: false, why: "The finding is gone." };
  const freeze = await freezeOf(ctx, finding.tenantId);
  if (freeze !== null) return { claimed: false, why: frozenFact(freeze), frozen: true };
  return claimEntry(ctx, await enqueueDelete(ctx, finding, finding.reason));
}

export async function claimEntry(ctx: MutationCtx, entryId: Id<"deleteQueue">): Promise<Claim> {
  const entry = await ctx.db.get("deleteQueue", entryId);
  if (entry === null) return { claimed: false, why: "The queue's entry is gone." };
  const claim = await claimDelete(ctx, entry);
  return claim.claimed ? { claimed: true, entryId } : claim;
}

export async function settleEntry(
  ctx: MutationCtx,
  entryId: Id<"deleteQueue">,
  outcome: {
    state: "quarantined" | "cancelled" | "failed";
    quarantineKey?: string | undefined;
    note?: string | undefined;
  },
): Promise<void> {
  const entry = await ctx.db.get("deleteQueue", entryId);
  if (entry?.state !== "deleting") return;
  const { state, quarantineKey, note } = outcome;
  await ctx.db.patch("deleteQueue", entryId, { state, quarantineKey, note, updatedAt: Date.now() });
}

/** Marks the record so that nobody is sent to an object that is gone or is another one. */
export async function markRecord(
  ctx: MutationCtx,
  findingId: Id<"reconcileFindings">,
): Promise<{ state: Settled; note?: string }> {
  const finding = await ctx.db.get("reconcileFindings", findingId);
  const row = finding?.assetId === undefined ? null : await ctx.db.get("assets", finding.assetId);
  if (finding === null || row === null) return { state: "skipped", note: "The record is gone." };
  if (!isStored(row) || row.s3Key !== finding.s3Key) {
    return { state: "skipped", note: `The record is ${row.status} by now.` };
  }
  if (isKeptLocally(row)) return { state: "skipped", note: "Its file is kept in a folder by now." };
  const message = finding.reason;
  const wasCurrent = row.status === "ready";
  await ctx.db.patch("assets", row._id, {
    status: finding.kind === "record_without_object" ? "missing" : "error",
    errorCode: finding.kind.toUpperCase(),
    errorMessage: message,
  });
  await release(ctx, row);
  if (wasCurrent) await loseCurrent(ctx, row, message);
  return { state: "applied" };
}

async function loseCurrent(ctx: MutationCtx, row: Doc<"assets">, message: string): Promise<void> {
  const counted = await followAsset(ctx, row.sceneId, row, { kind: "lost", message });
  const session = await ctx.db.get("sessions", row.sessionId);
  if (session === null) return;
  const pointers = [
    "combinedVideoAssetId",
    "combinedSubtitleAssetId",
    "manifestAssetId",
    "thumbnailAssetId",
  ] as const;
  await changeSession(ctx, session, {
    ...counted,
    bytes: -row.size,
    assets: -1,
    pointers: Object.fromEntries(
      pointers.filter((pointer) => session[pointer] === row._id).map((pointer) => [pointer, undefined]),
    ),
  });
}

export async function finishRepair(ctx: MutationCtx, runId: Id<"reconcileRuns">): Promise<void> {
  const run = await ctx.db.get("reconcileRuns", runId);
  if (run?.status === "applying") {
    await ctx.db.patch("reconcileRuns", runId, { status: "applied", progressAt: Date.now() });
  }
}
