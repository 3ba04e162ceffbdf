/** Public functions of sessions. */
import * as z from "zod";
import { MAX_ERROR_MESSAGE_LENGTH } from "../contract/limits.ts";
import { sessionCreateSchema } from "../contract/session.ts";
import { editorMutation, viewerQuery } from "./functions.ts";
import { paginationOpts } from "./model/page.ts";
import { createSession, endSession, listSessions, sessionView } from "./model/sessions.ts";

/** Creates a session, or answers the one that has this natural key (project, sessionKey). */
export const create = editorMutation({
  args: { ...sessionCreateSchema.shape, tenantId: z.string().optional() },
  handler: async (ctx, args) => createSession(ctx, ctx.caller, args),
});

export const end = editorMutation({
  args: {
    sessionId: z.string(),
    outcome: z.enum(["ended", "failed"]),
    errorMessage: z.string().max(MAX_ERROR_MESSAGE_LENGTH).optional(),
  },
  handler: async (ctx, args) => endSession(ctx, ctx.caller, args),
});

/** Newest first. */
export const list = viewerQuery({
  args: { paginationOpts, tenantId: z.string().optional() },
  handler: async (ctx, args) => listSessions(ctx, ctx.caller, args),
});

export const get = viewerQuery({
  args: { sessionId: z.string() },
  handler: async (ctx, args) => sessionView(ctx, ctx.caller, args),
});
