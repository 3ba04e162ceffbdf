import type { ReactNode } from "react";
import { formatCount } from "../ui/format.ts";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import { StatusBadge } from "../ui/StatusBadge.tsx";
import styles from "./AgentRow.module.css";
import {
  BREAKERS,
  isQuiet,
  percentText,
  recentOutcomes,
  severityOf,
  stateOf,
  type Agent,
  type BreakerKind,
} from "./agent-health.ts";
import { STAGES } from "./wording.ts";

export function AgentRow({ agent, now }: { agent: Agent; now: number }) {
  const { label, tone, live } = stateOf(agent, now);
  const quiet = isQuiet(agent, now);
  const { breakers, journal, queueDepth, localStage, version, keyName } = agent;
  const outcomes = recentOutcomes([agent], now);
  // What waits on the disk is in the agent's count, too.
  const underWay = Math.max(0, queueDepth - (journal?.depth ?? 0));
  return (
    <li
      className={styles["row"]}
      data-quiet={quiet || undefined}
      data-testid="agent"
      data-agent={agent.agent}
    >
      <header>
        <h3>{agent.agent}</h3>
        <StatusBadge tone={tone} live={live ?? false} testId="agent-state">
          {label}
        </StatusBadge>
        <p>
          {keyName} · SDK {version} · <RelativeTime at={agent.reportedAt} />
        </p>
        {localStage && (
          <p className={styles["local"]}>
            REELSYNC_ROLLOUT keeps it at {STAGES[localStage].label.toLowerCase()}
          </p>
        )}
      </header>
      <dl>
        <Fact name="Storage">
          <Breaker of="s3" kind={breakers.s3} wasSo={quiet} />
        </Fact>
        <Fact name="Convex">
          <Breaker of="convex" kind={breakers.convex} wasSo={quiet} />
        </Fact>
        <Fact name="On its disk" testId="agent-journal">
          {journal === undefined || journal.depth === 0 ? (
            <span className={styles["none"]}>nothing</span>
          ) : (
            <>
              {formatCount(journal.depth, "upload")}
              {journal.oldestSince !== undefined && (
                <small>
                  oldest <RelativeTime at={journal.oldestSince} />
                </small>
              )}
            </>
          )}
        </Fact>
        <Fact name="Under way">
          {underWay === 0 ? <span className={styles["none"]}>nothing</span> : formatCount(underWay, "upload")}
        </Fact>
        <Fact name="Failed, 5 minutes">
          {outcomes.uploads === 0 ? (
            <span className={styles["none"]}>no uploads</span>
          ) : (
            <>
              <span data-failed={severityOf(outcomes)}>{percentText(outcomes)}</span>
              <small>
                {outcomes.errors} of {outcomes.uploads}
              </small>
            </>
          )}
        </Fact>
      </dl>
    </li>
  );
}

function Fact({ name, children, testId }: { name: string; children: ReactNode; testId?: string }) {
  return (
    <div data-testid={testId}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** `wasSo`: the report is old, and what it says may not hold any more. */
function Breaker({ of, kind, wasSo }: { of: "s3" | "convex"; kind: BreakerKind; wasSo: boolean }) {
  const { label, past, tone, live } = BREAKERS[kind];
  return (
    <StatusBadge tone={tone} live={(live ?? false) && !wasSo} testId={`breaker-${of}`}>
      {wasSo ? past : label}
    </StatusBadge>
  );
}
