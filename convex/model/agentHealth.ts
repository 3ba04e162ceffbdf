/**
 * How running agents are: one row for each key and agent name, overwritten by its next report. A report that says nothing new is
 * written every half minute at most, so that a chatty agent costs no writes.
 */
import type { PaginationResult } from "convex/server";
import type { AgentReport } from "../../contract/agent-report.ts";
import type { OutcomeCounts } from "../../contract/rollout.ts";
import { AGENT_REPORT_INTERVAL_MS } from "../../contract/limits.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { addOutcomes } from "./agentOutcomes.ts";
import { bounded, mapPage } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";

export interface AgentView extends Omit<AgentReport, "journal" | "outcomes"> {
  agentHealthId: Id<"agentHealth">;
  /** Of the key it spoke with. */
  keyName: string;
  /** Uploads on the agent's disk, and since when the oldest is there. */
  journal?: { depth: number; oldestSince?: number };
  /** Uploads that ended lately, by when; the reader decides how far back it looks. */
  outcomes: ({ at: number } & OutcomeCounts)[];
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
  const { journal, outcomes, ...told } = report;
  const ended = outcomes === undefined ? known?.outcomes : addOutcomes(known?.outcomes, outcomes, reportedAt);
  const row = {
    ...told,
    // What a report leaves out is not what an earlier one said.
    syncWaiting: told.syncWaiting,
    localStage: told.localStage,
    journal: journal && present({ depth: journal.depth, oldestSince: sinceOf(journal, reportedAt) }),
    outcomes: ended,
    reportedAt,
  };
  if (known === null) {
    await ctx.db.insert("agentHealth", { tenantId, agentKeyId: keyId, keyName: name, ...present(row) });
  } else if (
    ended !== known.outcomes ||
    saysNews(known, report) ||
    reportedAt - known.reportedAt >= AGENT_REPORT_INTERVAL_MS
  ) {
    await ctx.db.patch("agentHealth", known._id, row);
  }
  if (outcomes !== undefined && ended?.buckets.some(({ errors }) => errors > 0)) {
    // Beside the report: it reads what all agents said, and reports should not have to wait for each other.
    await ctx.scheduler.runAfter(0, internal.flags.judge, { tenantId, keyId, agent: report.agent });
  }
  return null;
}

function sinceOf({ oldestAgoMs }: { oldestAgoMs?: number | undefined }, now: number): number | undefined {
  return oldestAgoMs === undefined ? undefined : now - oldestAgoMs;
}

/** A queue's length changes all the time; it is news when there is one or none any more. */
function saysNews(known: Doc<"agentHealth">, report: AgentReport): boolean {
  return (
    known.breakers.s3 !== report.breakers.s3 ||
    known.breakers.convex !== report.breakers.convex ||
    known.version !== report.version ||
    known.localStage !== report.localStage ||
    (known.queueDepth === 0) !== (report.queueDepth === 0) ||
    ((known.journal?.depth ?? 0) === 0) !== ((report.journal?.depth ?? 0) === 0)
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
  const { journal, syncWaiting, localStage, outcomes } = row;
  return {
    agentHealthId: _id,
    keyName,
    agent,
    version,
    breakers,
    queueDepth,
    ...present({ journal, syncWaiting, localStage }),
    outcomes: (outcomes?.buckets ?? []).map(({ at, uploads, errors }) => ({ at, uploads, errors })),
    firstReportedAt: _creationTime,
    reportedAt,
  };
}
