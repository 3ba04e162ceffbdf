/**
 * Who is calling and what of the database is theirs. Every row a public function touches by id comes through
 * `requireOwned`; there another tenant's id is answered exactly as an unknown one [G6].
 */
import type { ErrorCode } from "../../contract/error-code.ts";
import type { Role } from "../../contract/session.ts";
import type { Doc, Id } from "../_generated/dataModel";
import { env } from "../_generated/server";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { refuse } from "./refusal.ts";

/** Who a function is for: people from this role up (null: no people), and whether agents may call it. */
export interface Audience {
  people: Role | null;
  agents: boolean;
}

export interface AgentCaller {
  kind: "agent";
  name: string;
  keyId: Id<"agentKeys">;
  tenantId: Id<"tenants">;
  /** null: the whole tenant. */
  projectIds: readonly Id<"projects">[] | null;
}

export interface PersonCaller {
  kind: "person";
  name: string;
  email?: string;
  tokenIdentifier: string;
  /** The role this function asks for. */
  need: Role;
  memberships: readonly { tenantId: Id<"tenants">; role: Role }[];
}

export type Caller = AgentCaller | PersonCaller;

/** Tables whose rows may be named by a caller. */
type OwnedTable = "sessions" | "scenes" | "assets" | "deadLetters" | "reconcileRuns" | "reconcileFindings";

interface OwnedRow {
  tenantId: Id<"tenants">;
  projectId?: Id<"projects"> | undefined;
}

const RANK: Record<Role, number> = { viewer: 0, editor: 1, admin: 2, owner: 3 };

/** Tenants of one person; a person in more than this many is an integration that should use agent keys. */
const MAX_MEMBERSHIPS = 100;

export async function resolveCaller(ctx: QueryCtx | MutationCtx, audience: Audience): Promise<Caller> {
  const identity = await ctx.auth.getUserIdentity();
  if (identity === null) return refuse("UNAUTHENTICATED", "This call carries no valid token.");
  if (identity.issuer === env.AGENT_JWT_ISSUER) {
    const caller = await resolveAgent(ctx, identity.subject);
    if (!audience.agents) refuse("FORBIDDEN", "Agents may not call this function.");
    return caller;
  }
  if (audience.people === null) refuse("FORBIDDEN", "Only agents may call this function.");
  const rows = await ctx.db
    .query("members")
    .withIndex("by_tokenIdentifier_and_tenantId", (q) => q.eq("tokenIdentifier", identity.tokenIdentifier))
    .take(MAX_MEMBERSHIPS);
  return {
    kind: "person",
    name: identity.name ?? rows[0]?.name ?? identity.subject,
    ...(identity.email === undefined ? {} : { email: identity.email }),
    tokenIdentifier: identity.tokenIdentifier,
    need: audience.people,
    memberships: rows.map(({ tenantId, role }) => ({ tenantId, role })),
  };
}

/** The key's row decides, not the token's claims: a revoked or narrowed key counts at once, not when its tokens run out. */
async function resolveAgent(ctx: QueryCtx | MutationCtx, subject: string): Promise<AgentCaller> {
  const keyId = ctx.db.normalizeId("agentKeys", subject);
  const key = keyId === null ? null : await ctx.db.get("agentKeys", keyId);
  if (key?.revokedAt !== undefined || key === null) {
    return refuse("AGENT_KEY_INVALID", "The agent key behind this token does not exist or was revoked.");
  }
  return {
    kind: "agent",
    name: key.name,
    keyId: key._id,
    tenantId: key.tenantId,
    projectIds: key.projectIds ?? null,
  };
}

/** The row with this id if the caller may touch it. Malformed, unknown and foreign ids are one and the same refusal. */
export async function requireOwned<Table extends OwnedTable>(
  ctx: QueryCtx,
  caller: Caller,
  table: Table,
  id: string,
  unknown: ErrorCode,
): Promise<Doc<Table>> {
  const row = await findOwned(ctx, caller, table, id);
  if (row === null) return refuse(unknown, `No ${NOUN[table]} with id "${id}" is visible to you.`);
  if (!hasRole(caller, row.tenantId)) refuse("FORBIDDEN", roleFact(caller));
  return row;
}

const NOUN: Record<OwnedTable, string> = {
  sessions: "session",
  scenes: "scene",
  assets: "asset",
  deadLetters: "dead letter",
  reconcileRuns: "reconcile run",
  reconcileFindings: "finding",
};

export async function findOwned<Table extends OwnedTable>(
  ctx: QueryCtx,
  caller: Caller,
  table: Table,
  id: string,
): Promise<(Doc<Table> & OwnedRow) | null> {
  const normalized = ctx.db.normalizeId(table, id);
  if (normalized === null) return null;
  const row = (await ctx.db.get(table, normalized)) as (Doc<Table> & OwnedRow) | null;
  return row !== null && sees(caller, row) ? row : null;
}

/** Whether the row belongs to a tenant (and, for an agent, a project) of the caller; says nothing of the role. */
export function sees(caller: Caller, row: OwnedRow): boolean {
  if (caller.kind === "person") return caller.memberships.some(({ tenantId }) => tenantId === row.tenantId);
  return (
    caller.tenantId === row.tenantId &&
    (caller.projectIds === null || row.projectId === undefined || caller.projectIds.includes(row.projectId))
  );
}

function hasRole(caller: Caller, tenantId: Id<"tenants">): boolean {
  return (
    caller.kind === "agent" ||
    caller.memberships.some((one) => one.tenantId === tenantId && RANK[one.role] >= RANK[caller.need])
  );
}

/** The tenant a call without any other id is about. */
export function tenantOf(caller: Caller, requested: string | undefined): Id<"tenants"> {
  const ids = caller.kind === "agent" ? [caller.tenantId] : caller.memberships.map((one) => one.tenantId);
  if (ids.length === 0) refuse("FORBIDDEN", "You are not a member of any tenant.");
  if (requested === undefined && ids.length > 1) {
    refuse("INVALID_ARGUMENT", "You are a member of several tenants: pass tenantId.");
  }
  const tenantId = requested === undefined ? ids[0] : ids.find((id) => id === requested);
  if (tenantId === undefined)
    return refuse("NOT_FOUND", `No tenant with id "${requested}" is visible to you.`);
  if (!hasRole(caller, tenantId)) refuse("FORBIDDEN", roleFact(caller));
  return tenantId;
}

function roleFact(caller: Caller): string {
  return caller.kind === "person"
    ? `This needs the role ${caller.need} or higher in the tenant.`
    : "This agent key does not cover it.";
}
