/** Public functions of dead letters: agents park and replay them, admins ask for it. */
import * as z from "zod";
import { callMadeSchema } from "../contract/asset.ts";
import { deadLetterSchema, deadLetterStateSchema } from "../contract/dead-letter.ts";
import { MAX_ERROR_MESSAGE_LENGTH, MAX_REPLAY_LEASE_MS } from "../contract/limits.ts";
import { v } from "convex/values";
import {
  adminMutation,
  adminOrAgentQuery,
  agentMutation,
  agentQuery,
  internalMutation,
} from "./functions.ts";
import {
  claimReplay,
  discardDeadLetter,
  endClaim as endClaimOf,
  recordDeadLetter,
  requestReplay as askForReplay,
  settleReplay,
} from "./model/deadLetters.ts";
import {
  deadLetterNamed,
  listDeadLetters,
  replayRequests as readReplayRequests,
} from "./model/deadLetterViews.ts";
import { paginationOpts } from "./model/page.ts";

const deadLetterId = z.string();
const message = z.string().max(MAX_ERROR_MESSAGE_LENGTH);

export const record = agentMutation({
  args: { ...deadLetterSchema.shape, made: callMadeSchema.optional() },
  handler: async (ctx, args) => recordDeadLetter(ctx, ctx.caller, args),
});

/** Newest first. */
export const list = adminOrAgentQuery({
  args: { paginationOpts, state: deadLetterStateSchema.optional(), tenantId: z.string().optional() },
  handler: async (ctx, args) => listDeadLetters(ctx, ctx.caller, args),
});

/** By its own id or by that of its upload; null for what is unknown. */
export const get = adminOrAgentQuery({
  args: { id: z.string(), tenantId: z.string().optional() },
  handler: async (ctx, args) => deadLetterNamed(ctx, ctx.caller, args),
});

export const requestReplay = adminMutation({
  args: { deadLetterId },
  handler: async (ctx, args) => askForReplay(ctx, ctx.caller, args),
});

/** What this agent is asked to replay; agents subscribe to it. */
export const replayRequests = agentQuery({
  args: { agent: z.string() },
  handler: async (ctx, args) => readReplayRequests(ctx, ctx.caller, args),
});

export const claim = agentMutation({
  args: {
    deadLetterId,
    claimId: z.string().max(100).optional(),
    leaseMs: z.number().int().min(1).max(MAX_REPLAY_LEASE_MS).optional(),
  },
  handler: async (ctx, args) => claimReplay(ctx, ctx.caller, args),
});

export const endClaim = internalMutation({
  args: { deadLetterId: v.id("deadLetters"), claimId: v.string() },
  handler: async (ctx, args) => endClaimOf(ctx, args),
});

export const settle = agentMutation({
  args: {
    deadLetterId,
    claimId: z.string().max(100).optional(),
    outcome: z.enum(["resolved", "parked"]),
    code: z.string().max(100).optional(),
    message: message.optional(),
  },
  handler: async (ctx, args) => settleReplay(ctx, ctx.caller, args),
});

export const discard = adminMutation({
  args: { deadLetterId, reason: z.string().min(1).max(500) },
  handler: async (ctx, args) => discardDeadLetter(ctx, ctx.caller, args),
});
