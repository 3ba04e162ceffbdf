/** Dead letters as agents and admins read them. What changes them is in `deadLetters.ts`. */
import type { DeadLetter, DeadLetterState } from "../../contract/dead-letter.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { findOwned, sees, tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { bounded } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { present } from "./present.ts";
import { letterOf } from "./uploadCalls.ts";

export interface DeadLetterView extends DeadLetter {
  deadLetterId: Id<"deadLetters">;
  state: DeadLetterState;
  /** Why it was discarded. */
  reason?: string;
  /** While `replaying`: when it can be claimed again, should nothing be heard of the replay. */
  replayingUntil?: number;
  sessionTitle?: string;
  sceneTitle?: string;
  createdAt: number;
  updatedAt: number;
}

export async function listDeadLetters(
  ctx: QueryCtx,
  caller: Caller,
  args: {
    paginationOpts: PaginationOpts;
    state?: DeadLetterState | undefined;
    tenantId?: string | undefined;
  },
) {
  const tenantId = tenantOf(caller, args.tenantId);
  const { state } = args;
  const letters =
    state === undefined
      ? ctx.db.query("deadLetters").withIndex("by_tenantId", (q) => q.eq("tenantId", tenantId))
      : ctx.db
          .query("deadLetters")
          .withIndex("by_tenantId_and_state", (q) => q.eq("tenantId", tenantId).eq("state", state));
  const result = await letters.order("desc").paginate(bounded(args.paginationOpts));
  const rows = result.page.filter((row) => sees(caller, row));
  return { ...result, page: await Promise.all(rows.map((row) => letterView(ctx, row))) };
}

/** By its own id or by that of its upload; null for what is unknown. */
export async function deadLetterNamed(
  ctx: QueryCtx,
  caller: Caller,
  args: { id: string; tenantId?: string | undefined },
): Promise<DeadLetterView | null> {
  const tenantId = tenantOf(caller, args.tenantId);
  const row =
    (await findOwned(ctx, caller, "deadLetters", args.id)) ?? (await letterOf(ctx, tenantId, args.id));
  return row?.tenantId === tenantId && sees(caller, row) ? letterView(ctx, row) : null;
}

/** Requests one agent is shown at once; it takes them one by one and sees the rest then. */
const MAX_REQUESTS = 100;

export async function replayRequests(
  ctx: QueryCtx,
  caller: Caller,
  args: { agent: string },
): Promise<DeadLetterView[]> {
  const tenantId = tenantOf(caller, undefined);
  const rows = await ctx.db
    .query("deadLetters")
    .withIndex("by_tenantId_and_agent_and_state", (q) =>
      q.eq("tenantId", tenantId).eq("agent", args.agent).eq("state", "replay_requested"),
    )
    .take(MAX_REQUESTS);
  return Promise.all(rows.filter((row) => sees(caller, row)).map((row) => letterView(ctx, row)));
}

async function letterView(ctx: QueryCtx, row: Doc<"deadLetters">): Promise<DeadLetterView> {
  const session = row.sessionId === undefined ? null : await ctx.db.get("sessions", row.sessionId);
  const scene = row.sceneId === undefined ? null : await ctx.db.get("scenes", row.sceneId);
  return present({
    deadLetterId: row._id,
    intent: row.intent,
    code: row.code,
    message: row.message,
    step: row.step,
    attempts: row.attempts,
    filePath: row.filePath,
    agent: row.agent,
    state: row.state,
    reason: row.reason,
    replayingUntil: row.state === "replaying" ? row.claim?.until : undefined,
    sessionTitle: session?.title,
    sceneTitle: scene?.title,
    createdAt: row._creationTime,
    updatedAt: row.updatedAt,
  });
}
