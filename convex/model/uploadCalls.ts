/** Upload calls and what they lead to: the asset row, and the dead letter if one was written. A commit resolves the letters in its own transaction. */
import type { DeadLetterState } from "../../contract/dead-letter.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

/** Upload calls that lead to one row; a caller that retries makes no new ones. */
const MAX_CALLS = 100;

export async function letterOf(ctx: QueryCtx, tenantId: Id<"tenants">, uploadId: string) {
  return ctx.db
    .query("deadLetters")
    .withIndex("by_tenantId_and_uploadId", (q) => q.eq("tenantId", tenantId).eq("uploadId", uploadId))
    .unique();
}

/** Whether a tenant has letters that are not resolved: most have none, and are asked once per transaction. */
export type LettersLeft = Map<Id<"tenants">, boolean>;

export async function resolveDeadLettersOf(
  ctx: MutationCtx,
  row: Doc<"assets">,
  left: LettersLeft,
): Promise<void> {
  if (!(await hasLettersLeft(ctx, row.tenantId, left))) return;
  for (const call of await callsOf(ctx, row)) {
    await resolveDeadLetter(ctx, row.tenantId, call.uploadId);
  }
}

export async function hasLettersLeft(
  ctx: QueryCtx,
  tenantId: Id<"tenants">,
  left: LettersLeft,
): Promise<boolean> {
  const any = left.get(tenantId) ?? (await hasUnresolvedLetters(ctx, tenantId));
  left.set(tenantId, any);
  return any;
}

/** Every state but `resolved`, whatever states there will be. */
async function hasUnresolvedLetters(ctx: QueryCtx, tenantId: Id<"tenants">): Promise<boolean> {
  const resolved: DeadLetterState = "resolved";
  const [before, behind] = await Promise.all([
    ctx.db
      .query("deadLetters")
      .withIndex("by_tenantId_and_state", (q) => q.eq("tenantId", tenantId).lt("state", resolved))
      .first(),
    ctx.db
      .query("deadLetters")
      .withIndex("by_tenantId_and_state", (q) => q.eq("tenantId", tenantId).gt("state", resolved))
      .first(),
  ]);
  return before !== null || behind !== null;
}

export async function callsOf(ctx: QueryCtx, row: Doc<"assets">) {
  return ctx.db
    .query("uploadCalls")
    .withIndex("by_assetId", (q) => q.eq("assetId", row._id))
    .take(MAX_CALLS);
}

export async function resolveDeadLetter(
  ctx: MutationCtx,
  tenantId: Id<"tenants">,
  uploadId: string,
): Promise<void> {
  const letter = await letterOf(ctx, tenantId, uploadId);
  if (letter === null || letter.state === "resolved") return;
  await ctx.db.patch("deadLetters", letter._id, { state: "resolved", updatedAt: Date.now() });
}

/** Whether this upload's content was committed, by itself or by another call with the same content. */
export async function isCommitted(
  ctx: QueryCtx,
  tenantId: Id<"tenants">,
  uploadId: string,
): Promise<boolean> {
  const row = await rowOfUpload(ctx, tenantId, uploadId);
  return row?.status === "ready" || row?.status === "superseded";
}

/** The row an upload call led to. */
export async function rowOfUpload(ctx: QueryCtx, tenantId: Id<"tenants">, uploadId: string) {
  const call = await ctx.db
    .query("uploadCalls")
    .withIndex("by_tenantId_and_uploadId", (q) => q.eq("tenantId", tenantId).eq("uploadId", uploadId))
    .unique();
  return call === null ? null : ctx.db.get("assets", call.assetId);
}
