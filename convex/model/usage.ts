/**
 * Bytes of a tenant: every distinct object that is stored or announced counts once, from `begin` on. A commit stores what was announced,
 * so it moves nothing here; that keeps the tenant's one hot row out of the commit's transaction.
 */
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { holdsObject, rowsOfKey } from "./assetRows.ts";
import { refuse } from "./refusal.ts";

/** What one transaction announces, for each tenant: its row is read at the first announcement, and changed once by `settleUsage`. */
export type Announced = Map<Id<"tenants">, { usageId: Id<"usage">; stored: number; usedBytes: number }>;

/** Counts an object that is about to be announced, unless a row of its key does already; refuses when the tenant's quota does not hold it. */
export async function reserve(
  ctx: MutationCtx,
  announced: Announced,
  tenant: Doc<"tenants">,
  size: number,
  rowsOfItsKey: readonly Doc<"assets">[],
): Promise<void> {
  if (rowsOfItsKey.some((row) => holdsObject(row.status))) return;
  const known = announced.get(tenant._id);
  const row = known === undefined ? await usageOf(ctx, tenant._id) : null;
  const stored = known?.stored ?? row?.usedBytes ?? 0;
  const usedBytes = (known?.usedBytes ?? stored) + size;
  if (tenant.quotaBytes !== undefined && usedBytes > tenant.quotaBytes) {
    refuse(
      "QUOTA_EXCEEDED",
      `${size} bytes more would make ${usedBytes} of ${tenant.quotaBytes} bytes this tenant may hold.`,
    );
  }
  const usageId =
    known?.usageId ?? row?._id ?? (await ctx.db.insert("usage", { tenantId: tenant._id, usedBytes: 0 }));
  announced.set(tenant._id, { usageId, stored, usedBytes });
}

/** At the end of the transaction, which must not have released anything meanwhile. */
export async function settleUsage(ctx: MutationCtx, announced: Announced): Promise<void> {
  for (const { usageId, stored, usedBytes } of announced.values()) {
    if (usedBytes !== stored) await ctx.db.patch("usage", usageId, { usedBytes });
  }
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
