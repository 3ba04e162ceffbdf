/**
 * Dead letters: parked by agents, replayed on an admin's word by the agent that holds the file.
 *
 *   parked ─requestReplay→ replay_requested ─claim→ replaying ─settle→ resolved | parked
 *   parked ─claim (the agent by itself)→ replaying
 *   replaying ─nothing heard until the claim's lease ends→ what it was before
 *   any open state ─commit of its upload→ resolved        any open state ─discard→ discarded
 */
import type { CallMade } from "../../contract/asset.ts";
import type { DeadLetter, DeadLetterState } from "../../contract/dead-letter.ts";
import { MAX_REPLAY_LEASE_MS } from "../../contract/limits.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { findOwned, requireOwned, sees, tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { giveUp } from "./assetFailure.ts";
import { audit } from "./audit.ts";
import { callsOf, isCommitted, letterOf, rowOfUpload } from "./uploadCalls.ts";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";
import { wishOf } from "./wishOrder.ts";

/** Recording the same failure again updates the one letter; one that is settled stays settled [G3]. */
export async function recordDeadLetter(
  ctx: MutationCtx,
  caller: Caller,
  { made, ...letter }: DeadLetter & { made?: CallMade | undefined },
): Promise<{ deadLetterId: Id<"deadLetters"> }> {
  const tenantId = tenantOf(caller, undefined);
  const existing = await letterOf(ctx, tenantId, letter.intent.uploadId);
  if (existing !== null && !sees(caller, existing)) {
    return refuse("FORBIDDEN", "This upload belongs to a project this agent key does not cover.");
  }
  const state = await stateAfterFailure(ctx, tenantId, existing, letter.intent.uploadId);
  if (existing === null || isOpen(existing)) await giveUpUpload(ctx, caller, tenantId, letter);
  const fields = {
    tenantId,
    uploadId: letter.intent.uploadId,
    intent: present(letter.intent),
    code: letter.code,
    message: letter.message,
    step: letter.step,
    agent: letter.agent,
    ...present({ filePath: letter.filePath }),
    ...(await placeOf(ctx, caller, letter)),
    state,
    wish: wishOf(made, existing?.wish),
    updatedAt: Date.now(),
  };
  if (existing === null) {
    const deadLetterId = await ctx.db.insert("deadLetters", { ...fields, attempts: letter.attempts });
    return { deadLetterId };
  }
  if (isOpen(existing)) {
    const attempts = Math.max(existing.attempts, letter.attempts);
    await ctx.db.patch("deadLetters", existing._id, { ...fields, attempts, claim: undefined });
  }
  return { deadLetterId: existing._id };
}

/** The scene shows the failure at once; but a row another live call still works on is left to that one. */
async function giveUpUpload(
  ctx: MutationCtx,
  caller: Caller,
  tenantId: Id<"tenants">,
  letter: DeadLetter,
): Promise<void> {
  const row = await rowOfUpload(ctx, tenantId, letter.intent.uploadId);
  if (row === null || !sees(caller, row)) return;
  for (const call of await callsOf(ctx, row)) {
    if (call.uploadId === letter.intent.uploadId) continue;
    if ((await letterOf(ctx, tenantId, call.uploadId)) === null) return;
  }
  await giveUp(ctx, row, letter.code, letter.message);
}

async function stateAfterFailure(
  ctx: QueryCtx,
  tenantId: Id<"tenants">,
  existing: Doc<"deadLetters"> | null,
  uploadId: string,
): Promise<DeadLetterState> {
  if (existing?.state === "replay_requested") return "replay_requested";
  return (await isCommitted(ctx, tenantId, uploadId)) ? "resolved" : "parked";
}

/** The intent may name anything, even what never existed; only what the caller sees becomes a reference. */
async function placeOf(ctx: QueryCtx, caller: Caller, { intent }: DeadLetter) {
  if (intent.entityType === "upload") return {};
  const table = intent.entityType === "scene" ? "scenes" : "sessions";
  const entity = await findOwned(ctx, caller, table, intent.entityId);
  if (entity === null) return {};
  return "sessionId" in entity
    ? { projectId: entity.projectId, sessionId: entity.sessionId, sceneId: entity._id }
    : { projectId: entity.projectId, sessionId: entity._id };
}

/** Also from `replaying`: nobody has to wait for the lease of an agent that died. Replaying twice is harmless [G3]. */
export async function requestReplay(
  ctx: MutationCtx,
  caller: Caller,
  args: { deadLetterId: string },
): Promise<null> {
  const letter = await requireLetter(ctx, caller, args.deadLetterId);
  if (letter.state === "replay_requested") return null;
  requireOpen(letter);
  await move(ctx, letter, { state: "replay_requested" });
  await audit(ctx, caller, {
    tenantId: letter.tenantId,
    action: "deadLetters.requestReplay",
    target: letter._id,
  });
  return null;
}

/**
 * A claim holds for `leaseMs`, which its agent chooses longer than its own deadline. Said again it is the same claim, so
 * that a lost reply costs nothing.
 */
export async function claimReplay(
  ctx: MutationCtx,
  caller: Caller,
  {
    deadLetterId,
    claimId = crypto.randomUUID(),
    leaseMs = MAX_REPLAY_LEASE_MS,
  }: { deadLetterId: string; claimId?: string | undefined; leaseMs?: number | undefined },
): Promise<{ claimed: boolean; until?: number }> {
  const letter = await requireLetter(ctx, caller, deadLetterId);
  const { _id, state, claim } = letter;
  if (state === "replaying") {
    return present({ claimed: claim?.id === claimId, until: claim?.until });
  }
  if (state !== "replay_requested" && state !== "parked") return { claimed: false };
  const until = Date.now() + leaseMs;
  await move(ctx, letter, { state: "replaying", claim: { id: claimId, until, from: state } });
  await ctx.scheduler.runAfter(leaseMs, internal.deadLetters.endClaim, { deadLetterId: _id, claimId });
  return { claimed: true, until };
}

/** A process that was killed settles nothing: its letter can be claimed again, and what was asked for still is. */
export async function endClaim(
  ctx: MutationCtx,
  { deadLetterId, claimId }: { deadLetterId: Id<"deadLetters">; claimId: string },
): Promise<null> {
  const letter = await ctx.db.get("deadLetters", deadLetterId);
  if (letter?.state !== "replaying" || letter.claim?.id !== claimId) return null;
  await move(ctx, letter, { state: letter.claim.from });
  return null;
}

export async function settleReplay(
  ctx: MutationCtx,
  caller: Caller,
  args: {
    deadLetterId: string;
    claimId?: string | undefined;
    outcome: "resolved" | "parked";
    code?: string | undefined;
    message?: string | undefined;
  },
): Promise<null> {
  const letter = await requireLetter(ctx, caller, args.deadLetterId);
  if (!isOpen(letter)) return null;
  if (args.outcome === "resolved") {
    if (!(await isCommitted(ctx, letter.tenantId, letter.uploadId))) {
      refuse("CONFLICT", "Nothing was committed for this upload yet.");
    }
    await move(ctx, letter, { state: "resolved" });
  } else if (letter.state === "replaying" && (args.claimId ?? letter.claim?.id) === letter.claim?.id) {
    await move(ctx, letter, {
      state: "parked",
      attempts: letter.attempts + 1,
      ...present({ code: args.code, message: args.message }),
    });
  }
  return null;
}

export async function discardDeadLetter(
  ctx: MutationCtx,
  caller: Caller,
  args: { deadLetterId: string; reason: string },
): Promise<null> {
  const letter = await requireLetter(ctx, caller, args.deadLetterId);
  if (letter.state === "discarded") return null;
  requireOpen(letter);
  await move(ctx, letter, { state: "discarded", reason: args.reason });
  await audit(ctx, caller, {
    tenantId: letter.tenantId,
    action: "deadLetters.discard",
    target: letter._id,
    detail: args.reason,
  });
  return null;
}

async function requireLetter(ctx: QueryCtx, caller: Caller, id: string) {
  return requireOwned(ctx, caller, "deadLetters", id, "NOT_FOUND");
}

function requireOpen(letter: Doc<"deadLetters">): void {
  if (isOpen(letter)) return;
  refuse("CONFLICT", `This dead letter is ${letter.state} already.`, "Nothing is left to do for it.");
}

function isOpen(letter: Doc<"deadLetters">): boolean {
  return letter.state !== "resolved" && letter.state !== "discarded";
}

async function move(
  ctx: MutationCtx,
  letter: Doc<"deadLetters">,
  change: Partial<Pick<Doc<"deadLetters">, "state" | "attempts" | "code" | "message" | "reason" | "claim">>,
): Promise<void> {
  await ctx.db.patch("deadLetters", letter._id, { claim: undefined, ...change, updatedAt: Date.now() });
}
