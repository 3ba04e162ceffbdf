/** Tenants, their members and agent keys, as an operator sets them up. Repeating any of it changes nothing but what it says. */
import type { Role } from "../../contract/session.ts";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { present } from "./present.ts";
import { projectBySlug } from "./sessions.ts";
import { refuse } from "./refusal.ts";

export interface Member {
  tokenIdentifier: string;
  name: string;
  email?: string | undefined;
  role: Role;
}

/** A slug is a part of every object key, so it must be one. */
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

const MAX_PROJECTS_OF_KEY = 100;

export async function upsertTenant(
  ctx: MutationCtx,
  args: { tenant: string; tenantName: string; members: Member[] },
): Promise<Id<"tenants">> {
  requireSlug("tenant", args.tenant);
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
  args: {
    tenant: string;
    tenantName?: string | undefined;
    name: string;
    projects?: string[] | undefined;
    hash: string;
  },
): Promise<Id<"tenants">> {
  const { tenant: slug, tenantName, name, projects, hash } = args;
  if (name.trim() === "") refuse("INVALID_ARGUMENT", "name: a key needs a name.");
  const tenantId = await tenantForKey(ctx, slug, tenantName);
  const projectIds = projects === undefined ? undefined : await projectsForKey(ctx, tenantId, projects);
  const keyId = await ctx.db.insert("agentKeys", { tenantId, name, hash, ...present({ projectIds }) });
  await ctx.db.insert("auditLog", {
    tenantId,
    actor: "operator",
    actorName: "operator",
    action: "agentKeys.create",
    target: keyId,
    detail: projects === undefined ? name : `${name}, for ${projects.join(", ")}`,
  });
  return tenantId;
}

async function tenantForKey(
  ctx: MutationCtx,
  slug: string,
  tenantName: string | undefined,
): Promise<Id<"tenants">> {
  const existing = await tenantBySlug(ctx, slug);
  if (existing !== null) return existing._id;
  if (tenantName === undefined) return refuse("NOT_FOUND", `No tenant has the slug "${slug}".`);
  return upsertTenant(ctx, { tenant: slug, tenantName, members: [] });
}

/** A scoped key cannot open projects, so those it is for are there from the start. */
async function projectsForKey(
  ctx: MutationCtx,
  tenantId: Id<"tenants">,
  slugs: string[],
): Promise<Id<"projects">[]> {
  if (slugs.length === 0 || slugs.length > MAX_PROJECTS_OF_KEY) {
    refuse("INVALID_ARGUMENT", `projects: a key is for 1 to ${MAX_PROJECTS_OF_KEY} projects, or for all.`);
  }
  const ids: Id<"projects">[] = [];
  for (const slug of new Set(slugs)) {
    requireSlug("projects", slug);
    const project = await projectBySlug(ctx, tenantId, slug);
    ids.push(project?._id ?? (await ctx.db.insert("projects", { tenantId, slug })));
  }
  return ids;
}

function requireSlug(field: string, slug: string): void {
  if (SLUG.test(slug)) return;
  refuse("INVALID_ARGUMENT", `${field}: "${slug}" is not a slug of lower-case letters, digits and dashes.`);
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
