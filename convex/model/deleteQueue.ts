/**
 * Objects on their way out of the bucket. A claim and a new upload exclude each other: a claim is refused while any record holds the key, and
 * `begin` cannot reuse a key while its object is being taken away. That is what keeps a delete from ever meeting live data [G5].
 */
import { MINUTE } from "../../contract/limits.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { holdsObject, rowsOfKey } from "./assetRows.ts";
import { refuse } from "./refusal.ts";

/** Longer than an action may run (10 minutes): a claim older than this was left behind by one that died. */
export const CLAIM_LEASE_MS = 15 * MINUTE;

export async function enqueueDelete(
  ctx: MutationCtx,
  object: Pick<Doc<"assets">, "tenantId" | "bucket" | "s3Key">,
  reason: string,
): Promise<Id<"deleteQueue">> {
  const entry = await entryOf(ctx, object.tenantId, object.s3Key);
  const fields = {
    tenantId: object.tenantId,
    bucket: object.bucket,
    s3Key: object.s3Key,
    reason,
    state: "queued" as const,
    updatedAt: Date.now(),
  };
  if (entry === null) return ctx.db.insert("deleteQueue", fields);
  if (!isClaimed(entry)) await ctx.db.replace("deleteQueue", entry._id, fields);
  return entry._id;
}

/**
 * Called before an upload uses the key: what stands in the queue for it, or a refusal while the object is being taken away. Only
 * reads, so that a refusal never comes after a write: in a batch it must not leave half an item behind.
 */
export async function entryToReclaim(
  ctx: QueryCtx,
  tenantId: Id<"tenants">,
  s3Key: string,
): Promise<Doc<"deleteQueue"> | null> {
  const entry = await entryOf(ctx, tenantId, s3Key);
  if (entry === null || (entry.state !== "queued" && entry.state !== "deleting")) return null;
  if (isClaimed(entry)) return refuse("CONFLICT", `"${s3Key}" is being moved to quarantine right now.`);
  return entry;
}

/** The upload uses the key: its object stays. */
export async function reclaim(ctx: MutationCtx, entry: Doc<"deleteQueue"> | null): Promise<void> {
  if (entry === null) return;
  await ctx.db.patch("deleteQueue", entry._id, {
    state: "cancelled",
    note: "The key is used again.",
    updatedAt: Date.now(),
  });
}

/** Claims the object for removal if no record holds it; null with the reason otherwise. */
export async function claimDelete(
  ctx: MutationCtx,
  entry: Doc<"deleteQueue">,
): Promise<{ claimed: true } | { claimed: false; why: string }> {
  if (isClaimed(entry)) return { claimed: false, why: "It is being moved to quarantine already." };
  // A file in a folder is another object under the same key: it needs none of the bucket's.
  const holder = (await rowsOfKey(ctx, entry.tenantId, entry.s3Key)).find(
    (row) => row.storageBackend === "s3" && holdsObject(row.status),
  );
  if (holder !== undefined) {
    const why = `A record holds the object by now (version ${holder.version}, ${holder.status}).`;
    await ctx.db.patch("deleteQueue", entry._id, { state: "cancelled", note: why, updatedAt: Date.now() });
    return { claimed: false, why };
  }
  const now = Date.now();
  await ctx.db.patch("deleteQueue", entry._id, { state: "deleting", claimedAt: now, updatedAt: now });
  return { claimed: true };
}

export async function entryOf(ctx: QueryCtx, tenantId: Id<"tenants">, s3Key: string) {
  return ctx.db
    .query("deleteQueue")
    .withIndex("by_tenantId_and_s3Key", (q) => q.eq("tenantId", tenantId).eq("s3Key", s3Key))
    .unique();
}

function isClaimed(entry: Doc<"deleteQueue">): boolean {
  return entry.state === "deleting" && (entry.claimedAt ?? 0) > Date.now() - CLAIM_LEASE_MS;
}

/** Objects one hourly job moves to quarantine: a mistake that queued more is noticed before it went far. */
export const MAX_DRAIN = 50;

/** Entries that waited longer than grace. */
export async function dueForDelete(ctx: QueryCtx, before: number, limit: number) {
  return ctx.db
    .query("deleteQueue")
    .withIndex("by_state_and_updatedAt", (q) => q.eq("state", "queued").lt("updatedAt", before))
    .take(limit);
}
