/**
 * How running agents are: one row for each key and agent name, overwritten by its next report. A report that says nothing new is
 * written every half minute at most, so that a chatty agent costs no writes.
 */
import type { PaginationResult } from "convex/server";
import type { AgentReport } from "../../contract/agent-report.ts";
import { AGENT_REPORT_INTERVAL_MS } from "../../contract/limits.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { bounded, mapPage } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { refuse } from "./refusal.ts";

export interface AgentView extends AgentReport {
  agentHealthId: Id<"agentHealth">;
  /** Of the key it spoke with. */
  keyName: string;
  firstReportedAt: number;
  reportedAt: number;
}

export async function recordReport(ctx: MutationCtx, caller: Caller, report: AgentReport): Promise<null> {
  if (caller.kind !== "agent") return refuse("FORBIDDEN", "Only agents report their health.");
  const { keyId, tenantId, name } = caller;
  const known = await ctx.db
    .query("agentHealth")
    .withIndex("by_agentKeyId_and_agent", (q) => q.eq("agentKeyId", keyId).eq("agent", report.agent))
    .unique();
  const reportedAt = Date.now();
  if (known === null) {
    await ctx.db.insert("agentHealth", { tenantId, agentKeyId: keyId, keyName: name, ...report, reportedAt });
    return null;
  }
  const isNews = saysNews(known, report) || reportedAt - known.reportedAt >= AGENT_REPORT_INTERVAL_MS;
  if (isNews) await ctx.db.patch("agentHealth", known._id, { ...report, reportedAt });
  return null;
}

/** A queue's length changes all the time; it is news when there is one or none any more. */
function saysNews(known: Doc<"agentHealth">, report: AgentReport): boolean {
  return (
    known.breakers.s3 !== report.breakers.s3 ||
    known.breakers.convex !== report.breakers.convex ||
    known.version !== report.version ||
    (known.queueDepth === 0) !== (report.queueDepth === 0)
  );
}

export async function listAgents(
  ctx: QueryCtx,
  caller: Caller,
  args: { paginationOpts: PaginationOpts; tenantId?: string | undefined },
): Promise<PaginationResult<AgentView>> {
  const tenantId = tenantOf(caller, args.tenantId);
  const page = await ctx.db
    .query("agentHealth")
    .withIndex("by_tenantId", (q) => q.eq("tenantId", tenantId))
    .order("desc")
    .paginate(bounded(args.paginationOpts));
  return mapPage(page, agentView);
}

function agentView(row: Doc<"agentHealth">): AgentView {
  const { _id, _creationTime, keyName, agent, version, breakers, queueDepth, reportedAt } = row;
  return {
    agentHealthId: _id,
    keyName,
    agent,
    version,
    breakers,
    queueDepth,
    firstReportedAt: _creationTime,
    reportedAt,
  };
}
