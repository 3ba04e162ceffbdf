/** Tenants, their members and agent keys, as an operator sets them up. Repeating any of it changes nothing but what it says. */
import type { Role } from "../../contract/session.ts";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";

export interface Member {
  tokenIdentifier: string;
  name: string;
  email?: string | undefined;
  role: Role;
}

/** A tenant's slug is a part of every object key, so it must be one. */
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

export async function upsertTenant(
  ctx: MutationCtx,
  args: { tenant: string; tenantName: string; members: Member[] },
): Promise<Id<"tenants">> {
  if (!SLUG.test(args.tenant)) {
    refuse(
      "INVALID_ARGUMENT",
      `tenant: "${args.tenant}" is not a slug of lower-case letters, digits and dashes.`,
    );
  }
  const existing = await tenantBySlug(ctx, args.tenant);
  const tenantId =
    existing?._id ?? (await ctx.db.insert("tenants", { slug: args.tenant, name: args.tenantName }));
  if (existing !== null && existing.name !== args.tenantName) {
    await ctx.db.patch("tenants", tenantId, { name: args.tenantName });
  }
  for (const member of args.members) await upsertMember(ctx, tenantId, member);
  return tenantId;
}

async function upsertMember(ctx: MutationCtx, tenantId: Id<"tenants">, member: Member): Promise<void> {
  const existing = await ctx.db
    .query("members")
    .withIndex("by_tokenIdentifier_and_tenantId", (q) =>
      q.eq("tokenIdentifier", member.tokenIdentifier).eq("tenantId", tenantId),
    )
    .unique();
  const fields = { tenantId, ...present(member) };
  if (existing === null) await ctx.db.insert("members", fields);
  else await ctx.db.replace("members", existing._id, fields);
}

export async function addAgentKey(
  ctx: MutationCtx,
  args: { tenantId: Id<"tenants">; name: string; hash: string },
): Promise<Id<"agentKeys">> {
  return ctx.db.insert("agentKeys", args);
}

export async function limitTenant(
  ctx: MutationCtx,
  args: { tenant: string; quotaBytes?: number | undefined; maxObjectBytes?: number | undefined },
): Promise<null> {
  const tenant = await tenantBySlug(ctx, args.tenant);
  if (tenant === null) return refuse("NOT_FOUND", `No tenant has the slug "${args.tenant}".`);
  await ctx.db.patch("tenants", tenant._id, {
    quotaBytes: args.quotaBytes,
    maxObjectBytes: args.maxObjectBytes,
  });
  return null;
}

async function tenantBySlug(ctx: MutationCtx, slug: string) {
  return ctx.db
    .query("tenants")
    .withIndex("by_slug", (q) => q.eq("slug", slug))
    .unique();
}
