/** Dead letters seen from the sync path: a commit resolves the letters of its upload in its own transaction. */
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
  const calls = await ctx.db
    .query("uploadCalls")
    .withIndex("by_assetId", (q) => q.eq("assetId", row._id))
    .take(MAX_CALLS);
  for (const call of calls) await resolveDeadLetter(ctx, row.tenantId, call.uploadId);
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
  const call = await ctx.db
    .query("uploadCalls")
    .withIndex("by_tenantId_and_uploadId", (q) => q.eq("tenantId", tenantId).eq("uploadId", uploadId))
    .unique();
  const row = call === null ? null : await ctx.db.get("assets", call.assetId);
  return row?.status === "ready" || row?.status === "superseded";
}
