/** One row for everything an admin does. */
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Caller } from "./access.ts";

export async function audit(
  ctx: MutationCtx,
  caller: Caller,
  entry: { tenantId: Id<"tenants">; action: string; target: string; detail?: string },
): Promise<void> {
  await ctx.db.insert("auditLog", {
    ...entry,
    actor: caller.kind === "agent" ? caller.keyId : caller.tokenIdentifier,
    actorName: caller.name,
  });
}
