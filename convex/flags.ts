/** Rollout stages: admins decide, agents follow. See `contract/rollout.ts` for what each stage means. */
import { v } from "convex/values";
import * as z from "zod";
import { rolloutStageSchema } from "../contract/agent-report.ts";
import { entityTypeSchema } from "../contract/asset.ts";
import { MAX_ERROR_MESSAGE_LENGTH } from "../contract/limits.ts";
import { adminMutation, adminOrAgentQuery, adminQuery, agentQuery, internalMutation } from "./functions.ts";
import { listChanges, projectOfEntity, setStage, stagesView } from "./model/flags.ts";
import { paginationOpts } from "./model/page.ts";
import { judgeRollout } from "./model/rollback.ts";

/** The tenant's stage first, then those of projects that have their own. */
export const get = adminOrAgentQuery({
  args: { tenantId: z.string().optional() },
  handler: async (ctx, args) => stagesView(ctx, ctx.caller, args),
});

/** Which of these stages holds for an upload whose scene or session the agent has from somebody else. */
export const projectOf = agentQuery({
  args: { entityType: entityTypeSchema, entityId: z.string() },
  handler: async (ctx, args) => projectOfEntity(ctx, ctx.caller, args),
});

/** `stage: null` takes a project's own stage away. Saying again what holds already changes nothing. */
export const set = adminMutation({
  args: {
    stage: rolloutStageSchema.nullable(),
    project: z.string().optional(),
    pinned: z.boolean().optional(),
    reason: z.string().max(MAX_ERROR_MESSAGE_LENGTH).optional(),
    tenantId: z.string().optional(),
  },
  handler: async (ctx, args) => setStage(ctx, ctx.caller, args),
});

/** Newest first. */
export const history = adminQuery({
  args: { paginationOpts, tenantId: z.string().optional() },
  handler: async (ctx, args) => listChanges(ctx, ctx.caller, args),
});

/** Scheduled by a report that brings errors. */
export const judge = internalMutation({
  args: { tenantId: v.id("tenants"), keyId: v.id("agentKeys"), agent: v.string() },
  handler: async (ctx, args) => judgeRollout(ctx, args),
});
