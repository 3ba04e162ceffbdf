/** What an agent's last report says about it, as somebody who looks after agents would put it. */
import type { FunctionReturnType } from "convex/server";
import type { api } from "../../../convex/_generated/api";
import { AGENT_REPORT_INTERVAL_MS } from "../../../contract/limits.ts";
import { ROLLBACK_ERROR_RATE, ROLLBACK_WINDOW_MS, type OutcomeCounts } from "../../../contract/rollout.ts";
import type { Tone } from "../ui/StatusBadge.tsx";

export type Agent = FunctionReturnType<typeof api.agents.list>["page"][number];

/** An agent at work reports twice in this time, one at rest not at all. */
export const QUIET_AFTER_MS = 3 * AGENT_REPORT_INTERVAL_MS;

export type BreakerKind = Agent["breakers"]["s3"];

export const BREAKERS: Record<BreakerKind, { label: string; past: string; tone: Tone; live?: boolean }> = {
  closed: { label: "Answers", past: "Answered", tone: "ready" },
  halfOpen: { label: "Being probed", past: "Was being probed", tone: "working", live: true },
  open: { label: "Does not answer", past: "Did not answer", tone: "failed" },
};

export function isQuiet({ reportedAt }: Agent, now: number): boolean {
  return now - reportedAt > QUIET_AFTER_MS;
}

export function stateOf(agent: Agent, now: number): { label: string; tone: Tone; live?: boolean } {
  const { breakers, queueDepth, journal } = agent;
  const hasWork = queueDepth > 0 || (journal?.depth ?? 0) > 0;
  // Whoever has something to do reports: silence then means that it is gone, with what it holds.
  if (isQuiet(agent, now)) {
    return hasWork
      ? { label: "Silent with work left", tone: "failed" }
      : { label: "At rest", tone: "neutral" };
  }
  if (breakers.s3 === "open" || breakers.convex === "open") return { label: "Outage", tone: "failed" };
  if (breakers.s3 === "halfOpen" || breakers.convex === "halfOpen") {
    return { label: "Recovering", tone: "working", live: true };
  }
  if ((journal?.depth ?? 0) > 0) return { label: "Holding uploads", tone: "working" };
  return hasWork ? { label: "At work", tone: "ready", live: true } : { label: "At rest", tone: "ready" };
}

/** How the uploads of the last five minutes ended. */
export function recentOutcomes(agents: readonly Agent[], now: number): OutcomeCounts {
  const counts = { uploads: 0, errors: 0 };
  for (const { at, uploads, errors } of agents.flatMap(({ outcomes }) => outcomes)) {
    if (at <= now - ROLLBACK_WINDOW_MS) continue;
    counts.uploads += uploads;
    counts.errors += errors;
  }
  return counts;
}

/** Whether it is more than what a rollout is taken back for. */
export function severityOf({ uploads, errors }: OutcomeCounts): "some" | "many" | undefined {
  if (errors === 0) return undefined;
  return errors / uploads > ROLLBACK_ERROR_RATE ? "many" : "some";
}

export function percentText({ uploads, errors }: OutcomeCounts): string {
  if (uploads === 0) return "–";
  const format = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
  return format.format(errors / uploads);
}
