/** What an operator runs with the admin key: `npx convex run setup:bootstrap '{…}'`. Nothing here is public. */
import { v } from "convex/values";
import type { ObjectType } from "convex/values";
import { zodToConvex } from "convex-helpers/server/zod4";
import { roleSchema } from "../contract/session.ts";
import { internal } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import type { ActionCtx } from "./_generated/server";
import { internalAction, internalMutation } from "./functions.ts";
import { hashAgentKey, newAgentKey } from "./model/agentKey.ts";
import { addAgentKey, limitTenant, upsertTenant } from "./model/setup.ts";

const members = v.array(
  v.object({
    tokenIdentifier: v.string(),
    name: v.string(),
    email: v.optional(v.string()),
    role: zodToConvex(roleSchema),
  }),
);

const keyRequest = {
  tenant: v.string(),
  tenantName: v.optional(v.string()),
  name: v.string(),
  projects: v.optional(v.array(v.string())),
};

interface Bootstrapped {
  tenantId: Id<"tenants">;
  /** Shown once; only its hash is stored. */
  agentKey?: string;
}

/** An action, because a key needs randomness that no mutation may draw. */
export const bootstrap = internalAction({
  args: {
    tenant: v.string(),
    tenantName: v.string(),
    members,
    agentKey: v.optional(v.object({ name: v.string() })),
  },
  handler: async (ctx, { agentKey, ...tenant }): Promise<Bootstrapped> => {
    const tenantId: Id<"tenants"> = await ctx.runMutation(internal.setup.tenant, tenant);
    if (agentKey === undefined) return { tenantId };
    return issueAgentKey(ctx, { tenant: tenant.tenant, name: agentKey.name });
  },
});

/**
 * A further key for a tenant, which it leaves as it is. With `tenantName` a tenant that is not there yet is made; with `projects` (slugs) the key
 * covers these alone. Every call makes a new key.
 */
export const createAgentKey = internalAction({
  args: keyRequest,
  handler: async (ctx, args): Promise<Required<Bootstrapped>> => issueAgentKey(ctx, args),
});

async function issueAgentKey(
  ctx: ActionCtx,
  request: ObjectType<typeof keyRequest>,
): Promise<Required<Bootstrapped>> {
  const agentKey = newAgentKey();
  const hash = await hashAgentKey(agentKey);
  const tenantId: Id<"tenants"> = await ctx.runMutation(internal.setup.agentKey, { ...request, hash });
  return { tenantId, agentKey };
}

export const tenant = internalMutation({
  args: { tenant: v.string(), tenantName: v.string(), members },
  handler: async (ctx, args) => upsertTenant(ctx, args),
});

export const agentKey = internalMutation({
  args: { ...keyRequest, hash: v.string() },
  handler: async (ctx, args) => addAgentKey(ctx, args),
});

/** Sets a tenant's limits; what is left out is unlimited. */
export const limit = internalMutation({
  args: {
    tenant: v.string(),
    quotaBytes: v.optional(v.number()),
    maxObjectBytes: v.optional(v.number()),
  },
  handler: async (ctx, args) => limitTenant(ctx, args),
});
