/**
 * Objects on their way out of the bucket. A claim and a new upload exclude each other: a claim is refused while any record holds the key, and
 * `begin` cannot reuse a key while its object is being taken away. That is what keeps a delete from ever meeting live data [G5].
 */
import { MINUTE } from "../../contract/limits.ts";
import { frozenFact } from "../../contract/reconcile.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { holdsObject, rowsOfKey } from "./assetRows.ts";
import { freezeOf } from "./deleteFreeze.ts";
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

/** Claims the object for removal if no record holds it and deletes are not frozen; says why otherwise. */
export async function claimDelete(
  ctx: MutationCtx,
  entry: Doc<"deleteQueue">,
): Promise<{ claimed: true } | { claimed: false; why: string }> {
  const freeze = await freezeOf(ctx, entry.tenantId);
  if (freeze !== null) return { claimed: false, why: frozenFact(freeze) };
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
const MAX_DRAIN = 50;

/** Entries of the queue that one transaction looks at. */
const MAX_LOOKED_AT = 500;

/**
 * Entries that waited longer than grace. Those of a tenant whose deletes are frozen are put off by another grace: they stay queued,
 * and do not stand before those of everybody else. `postponed` says that there may be more behind them.
 */
export async function dueForDelete(
  ctx: MutationCtx,
  before: number,
): Promise<{ due: Doc<"deleteQueue">[]; postponed: number }> {
  const entries = await ctx.db
    .query("deleteQueue")
    .withIndex("by_state_and_updatedAt", (q) => q.eq("state", "queued").lt("updatedAt", before))
    .take(MAX_LOOKED_AT);
  const frozen = new Set<Id<"tenants">>();
  for (const tenantId of new Set(entries.map((entry) => entry.tenantId))) {
    if ((await freezeOf(ctx, tenantId)) !== null) frozen.add(tenantId);
  }
  const waiting = entries.filter(({ tenantId }) => frozen.has(tenantId));
  const now = Date.now();
  for (const { _id } of waiting) await ctx.db.patch("deleteQueue", _id, { updatedAt: now });
  const due = entries.filter(({ tenantId }) => !frozen.has(tenantId)).slice(0, MAX_DRAIN);
  return { due, postponed: waiting.length };
}
