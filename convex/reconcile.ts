/** Public functions of reconcile: report first, apply by explicit choice. */
import * as z from "zod";
import { MAX_ERROR_MESSAGE_LENGTH } from "../contract/limits.ts";
import { findingKindSchema } from "../contract/reconcile.ts";
import { adminMutation, adminOrAgentQuery, adminQuery } from "./functions.ts";
import { freezeDeletes, frozenDeletes, thawDeletes } from "./model/deleteFreeze.ts";
import { paginationOpts } from "./model/page.ts";
import { applyFindings, listFindings, listRuns, runReport, startRun } from "./model/reconcileRuns.ts";

/** Findings one call may apply: an upper bound on what a single mistaken click can move. */
const MAX_FINDINGS_PER_APPLY = 100;

export const start = adminMutation({
  args: { tenantId: z.string().optional(), graceMs: z.number().int().min(0).optional() },
  handler: async (ctx, args) => startRun(ctx, ctx.caller, args),
});

/** Newest first. */
export const runs = adminQuery({
  args: { paginationOpts, tenantId: z.string().optional() },
  handler: async (ctx, args) => listRuns(ctx, ctx.caller, args),
});

export const report = adminQuery({
  args: { runId: z.string() },
  handler: async (ctx, args) => runReport(ctx, ctx.caller, args),
});

export const findings = adminQuery({
  args: { runId: z.string(), kind: findingKindSchema.optional(), paginationOpts },
  handler: async (ctx, args) => listFindings(ctx, ctx.caller, args),
});

/** `overLimit`: also where the run found more than drift explains, see `contract/reconcile.ts`. */
export const apply = adminMutation({
  args: {
    runId: z.string(),
    findingIds: z.array(z.string()).max(MAX_FINDINGS_PER_APPLY),
    overLimit: z.boolean().optional(),
  },
  handler: async (ctx, args) => applyFindings(ctx, ctx.caller, args),
});

/** Who has frozen deletes, since when and why; null while they are not. */
export const frozen = adminOrAgentQuery({
  args: { tenantId: z.string().optional() },
  handler: async (ctx, args) => frozenDeletes(ctx, ctx.caller, args),
});

/** Nothing of the tenant leaves the bucket until `thaw`. Saying it again changes nothing. */
export const freeze = adminMutation({
  args: {
    reason: z.string().trim().min(1).max(MAX_ERROR_MESSAGE_LENGTH),
    tenantId: z.string().optional(),
  },
  handler: async (ctx, args) => freezeDeletes(ctx, ctx.caller, args),
});

export const thaw = adminMutation({
  args: {
    reason: z.string().trim().max(MAX_ERROR_MESSAGE_LENGTH).optional(),
    tenantId: z.string().optional(),
  },
  handler: async (ctx, args) => thawDeletes(ctx, ctx.caller, args),
});
