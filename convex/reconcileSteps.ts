/** Internal: what the bucket's actions read and write of the database, one transaction each. */
import { v } from "convex/values";
import { zodToConvex } from "convex-helpers/server/zod4";
import { findingKindSchema, repairSchema } from "../contract/reconcile.ts";
import { internal } from "./_generated/api";
import { internalMutation, internalQuery } from "./functions.ts";
import { dueForDelete } from "./model/deleteQueue.ts";
import { finishRun, recordProgress, recordsOfStretch, runContext } from "./model/reconcileSteps.ts";
import {
  claimEntry,
  claimFinding,
  finishRepair,
  markRecord,
  settleEntry,
  settleFinding,
} from "./model/repair.ts";

const runId = v.id("reconcileRuns");
const findingId = v.id("reconcileFindings");
const entryId = v.id("deleteQueue");

export const run = internalQuery({
  args: { runId },
  handler: async (ctx, args) => runContext(ctx, args.runId),
});

export const records = internalQuery({
  args: { tenantId: v.id("tenants"), after: v.string(), upTo: v.string() },
  handler: async (ctx, args) => recordsOfStretch(ctx, args.tenantId, args),
});

export const progress = internalMutation({
  args: {
    runId,
    objectsSeen: v.number(),
    youngObjects: v.number(),
    recordsSeen: v.number(),
    localRecords: v.number(),
    findings: v.array(
      v.object({
        kind: zodToConvex(findingKindSchema),
        repair: zodToConvex(repairSchema),
        s3Key: v.string(),
        reason: v.string(),
        objectSize: v.optional(v.number()),
        objectEtag: v.optional(v.string()),
        lastModified: v.optional(v.number()),
        recordSize: v.optional(v.number()),
        assetId: v.optional(v.id("assets")),
      }),
    ),
  },
  handler: async (ctx, args) => recordProgress(ctx, args.runId, args),
});

/** The next action starts only if this one's last step was recorded. */
export const goOn = internalMutation({
  args: { runId, after: v.string() },
  handler: async (ctx, args): Promise<null> => {
    await ctx.scheduler.runAfter(0, internal.bucket.scan, args);
    return null;
  },
});

export const finish = internalMutation({
  args: { runId, error: v.optional(v.string()) },
  handler: async (ctx, args) => finishRun(ctx, args.runId, args),
});

export const task = internalQuery({
  args: { findingId },
  handler: async (ctx, args) => ctx.db.get("reconcileFindings", args.findingId),
});

export const claim = internalMutation({
  args: { findingId },
  handler: async (ctx, args) => claimFinding(ctx, args.findingId),
});

export const mark = internalMutation({
  args: { findingId },
  handler: async (ctx, args) => markRecord(ctx, args.findingId),
});

export const settle = internalMutation({
  args: {
    findingId,
    state: v.union(v.literal("applied"), v.literal("skipped"), v.literal("failed")),
    note: v.optional(v.string()),
  },
  handler: async (ctx, args) => settleFinding(ctx, args.findingId, args),
});

export const finishApply = internalMutation({
  args: { runId },
  handler: async (ctx, args) => finishRepair(ctx, args.runId),
});

export const dueEntries = internalMutation({
  args: { before: v.number() },
  handler: async (ctx, args) => dueForDelete(ctx, args.before),
});

export const claimQueued = internalMutation({
  args: { entryId },
  handler: async (ctx, args) => claimEntry(ctx, args.entryId),
});

export const settleQueued = internalMutation({
  args: {
    entryId,
    state: v.union(v.literal("quarantined"), v.literal("cancelled"), v.literal("failed")),
    quarantineKey: v.optional(v.string()),
    note: v.optional(v.string()),
  },
  handler: async (ctx, args) => settleEntry(ctx, args.entryId, args),
});
