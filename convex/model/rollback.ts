/**
 * Takes a rollout stage back when too many uploads end in errors of ours. Judged over all agents of a tenant, for each
 * flag by itself: only uploads count that ended at the flag's stage, since it was set, within the last five minutes. So
 * ten agents that report at once take one step, and what an admin has raised again starts with an empty window.
 * There is no way up but an admin: nothing is lost below, and somebody should have looked at the cause.
 */
import { callsForRollback, DEFAULT_STAGE, ROLLBACK_TO, ROLLBACK_WINDOW_MS } from "../../contract/rollout.ts";
import type { OutcomeCounts, RolloutStage } from "../../contract/rollout.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { audit } from "./audit.ts";
import { changeStage, flagsOf } from "./flags.ts";

/** Agents judged together. With more than these, those that reported last decide. */
const MAX_AGENTS = 1_000;

interface Scope {
  project: string | undefined;
  stage: RolloutStage;
  pinned: boolean;
  changedAt: number;
  flag: Doc<"flags"> | undefined;
}

export async function judgeRollout(
  ctx: MutationCtx,
  { tenantId, keyId, agent }: { tenantId: Id<"tenants">; keyId: Id<"agentKeys">; agent: string },
): Promise<null> {
  const key = await ctx.db.get("agentKeys", keyId);
  if (key === null) return null;
  const scopes = await scopesOf(ctx, tenantId);
  const judged = scopes.filter(({ stage, pinned }) => !pinned && ROLLBACK_TO[stage] !== undefined);
  if (judged.length === 0) return null;
  const tenants = scopes[0]?.stage ?? DEFAULT_STAGE;
  const agents = await recentAgents(ctx, tenantId);
  for (const scope of judged) {
    const { project, stage, flag } = scope;
    const to = ROLLBACK_TO[stage];
    const counts = countOf(agents, scope, Date.now());
    if (to === undefined || !callsForRollback(counts)) continue;
    const reason = `${counts.errors} of ${counts.uploads} uploads failed within five minutes (${percentage(counts)}).`;
    const figures = { ...counts, windowMs: ROLLBACK_WINDOW_MS };
    await changeStage(ctx, {
      tenantId,
      project:
        flag?.projectId === undefined || project === undefined
          ? null
          : { _id: flag.projectId, slug: project },
      flag,
      to,
      tenants,
      pinned: false,
      change: { by: agent, automatic: true, reason, figures },
    });
    const caller = { kind: "agent", name: key.name, keyId, tenantId, projectIds: null } as const;
    await audit(ctx, caller, {
      tenantId,
      action: "rollout.rollback",
      target: project ?? "tenant",
      detail: `${stage} → ${to}: ${reason}`,
    });
  }
  return null;
}

/** The tenant's own first. */
async function scopesOf(ctx: QueryCtx, tenantId: Id<"tenants">): Promise<Scope[]> {
  const flags = await flagsOf(ctx, tenantId);
  const scopes = flags.map((flag) => ({ ...flag, project: flag.project, flag }));
  if (scopes[0] !== undefined && scopes[0].project === undefined) return scopes;
  const undecided = {
    project: undefined,
    stage: DEFAULT_STAGE,
    pinned: false,
    changedAt: 0,
    flag: undefined,
  };
  return [undecided, ...scopes];
}

async function recentAgents(ctx: QueryCtx, tenantId: Id<"tenants">): Promise<Doc<"agentHealth">[]> {
  return ctx.db
    .query("agentHealth")
    .withIndex("by_tenantId_and_reportedAt", (q) =>
      q.eq("tenantId", tenantId).gte("reportedAt", Date.now() - ROLLBACK_WINDOW_MS),
    )
    .order("desc")
    .take(MAX_AGENTS);
}

function countOf(agents: readonly Doc<"agentHealth">[], scope: Scope, now: number): OutcomeCounts {
  const counts = { uploads: 0, errors: 0 };
  for (const { outcomes } of agents) {
    for (const { at, project, stage, uploads, errors } of outcomes?.buckets ?? []) {
      const isOf = project === scope.project && stage === scope.stage;
      if (!isOf || at < scope.changedAt || at <= now - ROLLBACK_WINDOW_MS) continue;
      counts.uploads += uploads;
      counts.errors += errors;
    }
  }
  return counts;
}

function percentage({ uploads, errors }: OutcomeCounts): string {
  return `${((100 * errors) / uploads).toFixed(1)} %`;
}
