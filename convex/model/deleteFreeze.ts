/**
 * A tenant's deletes, frozen by an admin: until they are thawed nothing leaves the bucket, whatever was queued, found or asked for [G5].
 * An object that was claimed before is moved to its end: at most one for each action at work.
 */
import { frozenFact } from "../../contract/reconcile.ts";
import type { DeleteFreeze } from "../../contract/reconcile.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { audit } from "./audit.ts";
import { refuse } from "./refusal.ts";

/** Read in the transaction that would let an object go, so that a freeze and a claim never pass each other. */
export async function freezeOf(ctx: QueryCtx, tenantId: Id<"tenants">): Promise<DeleteFreeze | null> {
  return (await ctx.db.get("tenants", tenantId))?.deleteFreeze ?? null;
}

/** Marking records takes nothing away and goes on. */
export async function refuseWhileFrozen(
  ctx: QueryCtx,
  tenantId: Id<"tenants">,
  findings: readonly Pick<Doc<"reconcileFindings">, "repair">[],
): Promise<void> {
  if (!findings.some(({ repair }) => repair === "quarantine_object")) return;
  const freeze = await freezeOf(ctx, tenantId);
  if (freeze !== null) refuse("DELETES_FROZEN", `${frozenFact(freeze)} Records can be marked meanwhile.`);
}

export async function frozenDeletes(
  ctx: QueryCtx,
  caller: Caller,
  args: { tenantId?: string | undefined },
): Promise<DeleteFreeze | null> {
  return freezeOf(ctx, tenantOf(caller, args.tenantId));
}

/** Who froze first, and why, stays: somebody else's reason is not over because there is another one. */
export async function freezeDeletes(
  ctx: MutationCtx,
  caller: Caller,
  args: { reason: string; tenantId?: string | undefined },
): Promise<{ changed: boolean }> {
  const tenantId = tenantOf(caller, args.tenantId);
  if ((await freezeOf(ctx, tenantId)) !== null) return { changed: false };
  const { reason } = args;
  await ctx.db.patch("tenants", tenantId, { deleteFreeze: { by: caller.name, since: Date.now(), reason } });
  await audit(ctx, caller, { tenantId, action: "deletes.freeze", target: "tenant", detail: reason });
  return { changed: true };
}

export async function thawDeletes(
  ctx: MutationCtx,
  caller: Caller,
  args: { reason?: string | undefined; tenantId?: string | undefined },
): Promise<{ changed: boolean }> {
  const tenantId = tenantOf(caller, args.tenantId);
  if ((await freezeOf(ctx, tenantId)) === null) return { changed: false };
  await ctx.db.patch("tenants", tenantId, { deleteFreeze: undefined });
  const said = args.reason === undefined || args.reason === "" ? {} : { detail: args.reason };
  await audit(ctx, caller, { tenantId, action: "deletes.thaw", target: "tenant", ...said });
  return { changed: true };
}
