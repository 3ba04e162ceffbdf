/**
 * Bytes of a tenant: every distinct object that is stored or announced counts once, from `begin` on. A commit stores what was announced,
 * so it moves nothing here; that keeps the tenant's one hot row out of the commit's transaction.
 */
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { holdsObject, rowsOfKey } from "./assetRows.ts";
import { refuse } from "./refusal.ts";

/** Counts an object that is about to be announced, unless a row of its key does already; refuses when the tenant's quota does not hold it. */
export async function reserve(
  ctx: MutationCtx,
  tenant: Doc<"tenants">,
  size: number,
  rowsOfItsKey: readonly Doc<"assets">[],
): Promise<void> {
  if (rowsOfItsKey.some((row) => holdsObject(row.status))) return;
  const usage = await usageOf(ctx, tenant._id);
  const usedBytes = (usage?.usedBytes ?? 0) + size;
  if (tenant.quotaBytes !== undefined && usedBytes > tenant.quotaBytes) {
    refuse(
      "QUOTA_EXCEEDED",
      `${size} bytes more would make ${usedBytes} of ${tenant.quotaBytes} bytes this tenant may hold.`,
    );
  }
  if (usage === null) await ctx.db.insert("usage", { tenantId: tenant._id, usedBytes });
  else await ctx.db.patch("usage", usage._id, { usedBytes });
}

/** Gives back an object's bytes. Call it after its row stopped holding the object: another version may still do. */
export async function release(
  ctx: MutationCtx,
  object: Pick<Doc<"assets">, "tenantId" | "s3Key" | "size">,
): Promise<void> {
  if (await isCounted(ctx, object.tenantId, object.s3Key)) return;
  const usage = await usageOf(ctx, object.tenantId);
  if (usage !== null) await ctx.db.patch("usage", usage._id, { usedBytes: usage.usedBytes - object.size });
}

async function isCounted(ctx: QueryCtx, tenantId: Id<"tenants">, s3Key: string): Promise<boolean> {
  return (await rowsOfKey(ctx, tenantId, s3Key)).some((row) => holdsObject(row.status));
}

async function usageOf(ctx: QueryCtx, tenantId: Id<"tenants">): Promise<Doc<"usage"> | null> {
  return ctx.db
    .query("usage")
    .withIndex("by_tenantId", (q) => q.eq("tenantId", tenantId))
    .unique();
}
