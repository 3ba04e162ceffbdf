/** Upload calls and what they lead to: the asset row, and the dead letter if one was written. A commit resolves the letters in its own transaction. */
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

export async function resolveDeadLettersOf(ctx: MutationCtx, row: Doc<"assets">): Promise<void> {
  for (const call of await callsOf(ctx, row)) {
    await resolveDeadLetter(ctx, row.tenantId, call.uploadId);
  }
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
