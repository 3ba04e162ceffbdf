/** The caller as the caller sees it. */
import type { Role } from "../../contract/session.ts";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { Caller } from "./access.ts";

export interface Viewer {
  name: string;
  email?: string;
  tenants: { tenantId: Id<"tenants">; slug: string; name: string; role: Role | "agent" }[];
}

export async function describeCaller(ctx: QueryCtx, caller: Caller): Promise<Viewer> {
  const places =
    caller.kind === "agent" ? [{ tenantId: caller.tenantId, role: "agent" as const }] : caller.memberships;
  const tenants: Viewer["tenants"] = [];
  for (const { tenantId, role } of places) {
    const tenant = await ctx.db.get("tenants", tenantId);
    if (tenant !== null) tenants.push({ tenantId, slug: tenant.slug, name: tenant.name, role });
  }
  const email = caller.kind === "person" ? caller.email : undefined;
  return { name: caller.name, ...(email === undefined ? {} : { email }), tenants };
}
