"use node";
/** Internal actions that work on the bucket: reconcile's comparison and repairs, and the hourly quarantine of refused objects. */
import { v } from "convex/values";
import { MAX_ERROR_MESSAGE_LENGTH, RECONCILE_GRACE_MS, SECOND } from "../contract/limits.ts";
import { internal } from "./_generated/api";
import type { Doc, Id } from "./_generated/dataModel";
import type { ActionCtx } from "./_generated/server";
import { internalAction } from "./functions.ts";
import { openObjectStore } from "./model/objectStore.ts";
import type { ObjectStore } from "./model/objectStore.ts";
import { quarantineObject } from "./model/quarantine.ts";
import type { Settled } from "./model/repair.ts";
import { scanStep } from "./model/scan.ts";
import { storageAccess } from "./model/storageEnv.ts";
import type { StorageAccess } from "./model/storageEnv.ts";

/** One action compares for this long and then hands over to the next, so that no bucket is too large for an action's time. */
const SCAN_SLICE_MS = 60 * SECOND;

export const scan = internalAction({
  args: { runId: v.id("reconcileRuns"), after: v.optional(v.string()) },
  handler: async (ctx, { runId, after }): Promise<null> => {
    try {
      await withStore(async (store, access) => {
        const run = await ctx.runQuery(internal.reconcileSteps.run, { runId });
        if (run === null) return;
        const readRecords = (stretch: { after: string; upTo: string }) =>
          ctx.runQuery(internal.reconcileSteps.records, { tenantId: run.tenantId, ...stretch });
        const until = Date.now() + SCAN_SLICE_MS;
        let at = after ?? run.prefix;
        while (Date.now() < until) {
          const { next, ...progress } = await scanStep(store, run, access.bucket, at, readRecords);
          const goesOn = await ctx.runMutation(internal.reconcileSteps.progress, { runId, ...progress });
          if (!goesOn) return;
          if (next === null) {
            await ctx.runMutation(internal.reconcileSteps.finish, { runId });
            return;
          }
          at = next;
        }
        await ctx.runMutation(internal.reconcileSteps.goOn, { runId, after: at });
      });
    } catch (fault) {
      await ctx.runMutation(internal.reconcileSteps.finish, { runId, error: describe(fault) });
    }
    return null;
  },
});

export const repair = internalAction({
  args: { runId: v.id("reconcileRuns"), findingIds: v.array(v.id("reconcileFindings")) },
  handler: async (ctx, { runId, findingIds }): Promise<null> => {
    await withStore(async (store, access) => {
      for (const findingId of findingIds) {
        const outcome = await repairFinding(ctx, store, access, findingId);
        await ctx.runMutation(internal.reconcileSteps.settle, { findingId, ...outcome });
      }
    });
    await ctx.runMutation(internal.reconcileSteps.finishApply, { runId });
    return null;
  },
});

/** Refused commits leave objects behind; after grace, and if no record holds them, they go to quarantine. */
export const drain = internalAction({
  args: {},
  handler: async (ctx): Promise<null> => {
    const before = Date.now() - RECONCILE_GRACE_MS;
    const look = () => ctx.runMutation(internal.reconcileSteps.dueEntries, { before });
    let { due, postponed } = await look();
    while (due.length === 0 && postponed > 0) ({ due, postponed } = await look());
    if (due.length === 0) return null;
    await withStore(async (store, access) => {
      for (const entry of due) {
        const claim = await ctx.runMutation(internal.reconcileSteps.claimQueued, { entryId: entry._id });
        if (claim.claimed) await moveAside(ctx, store, access, claim.entryId, entry);
      }
    });
    return null;
  },
});

interface Outcome {
  state: Settled;
  note?: string;
}

async function repairFinding(
  ctx: ActionCtx,
  store: ObjectStore,
  access: StorageAccess,
  findingId: Id<"reconcileFindings">,
): Promise<Outcome> {
  const finding = await ctx.runQuery(internal.reconcileSteps.task, { findingId });
  if (finding === null) return { state: "skipped", note: "The finding is gone." };
  if (finding.bucket !== access.bucket) {
    return { state: "skipped", note: `The finding is of the bucket "${finding.bucket}".` };
  }
  try {
    switch (finding.repair) {
      case "quarantine_object":
        return await quarantineFinding(ctx, store, access, finding);
      case "mark_record":
        return await markFinding(ctx, store, finding);
    }
  } catch (fault) {
    return { state: "failed", note: describe(fault) };
  }
}

async function quarantineFinding(
  ctx: ActionCtx,
  store: ObjectStore,
  access: StorageAccess,
  finding: Doc<"reconcileFindings">,
): Promise<Outcome> {
  const claim = await ctx.runMutation(internal.reconcileSteps.claim, { findingId: finding._id });
  if (!claim.claimed) return { state: claim.frozen ? "failed" : "skipped", note: claim.why };
  return moveAside(ctx, store, access, claim.entryId, finding);
}

async function moveAside(
  ctx: ActionCtx,
  store: ObjectStore,
  access: StorageAccess,
  entryId: Id<"deleteQueue">,
  object: { s3Key: string; objectEtag?: string },
): Promise<Outcome> {
  try {
    const outcome = await quarantineObject(store, access.base, {
      s3Key: object.s3Key,
      etag: object.objectEtag,
    });
    await ctx.runMutation(internal.reconcileSteps.settleQueued, { entryId, ...outcome });
    return outcome.state === "quarantined"
      ? { state: "applied", note: `Moved to ${outcome.quarantineKey}.` }
      : { state: "skipped", note: outcome.note };
  } catch (fault) {
    const note = describe(fault);
    await ctx.runMutation(internal.reconcileSteps.settleQueued, { entryId, state: "failed", note });
    return { state: "failed", note };
  }
}

/** The object may have come back since the report; the record is judged again by the marking transaction itself. */
async function markFinding(
  ctx: ActionCtx,
  store: ObjectStore,
  finding: Doc<"reconcileFindings">,
): Promise<Outcome> {
  const object = await store.head(finding.s3Key);
  if (object !== null && object.size === finding.recordSize) {
    return { state: "skipped", note: "The object is there, with the size its record says." };
  }
  return ctx.runMutation(internal.reconcileSteps.mark, { findingId: finding._id });
}

async function withStore(work: (store: ObjectStore, access: StorageAccess) => Promise<void>): Promise<void> {
  const access = storageAccess();
  const store = openObjectStore(access);
  try {
    await work(store, access);
  } finally {
    store.close();
  }
}

/** One line of it is what an admin can use; the deployment's log has the rest. */
function describe(fault: unknown): string {
  const text = fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault);
  return (text.split("\n")[0] ?? "").slice(0, MAX_ERROR_MESSAGE_LENGTH);
}
