/** Public functions of reconcile: report first, apply by explicit choice. */
import * as z from "zod";
import { findingKindSchema } from "../contract/reconcile.ts";
import { adminMutation, adminQuery } from "./functions.ts";
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
