/**
 * Tells the deployment how this client is, for its admins: at the first upload, when a circuit breaker changes, and
 * every half minute while there is something to do, soon after uploads failed, and at its end. A client that uploads nothing tells nothing. Whether a report
 * arrives changes nothing for anybody's upload.
 */
import type { AgentReport } from "../../../contract/agent-report.ts";
import { AGENT_REPORT_INTERVAL_MS, SECOND } from "../../../contract/limits.ts";
import type { RolloutStage } from "../../../contract/rollout.ts";
import { api } from "../../../convex/_generated/api.js";
import { openCall } from "../call.ts";
import { isReelsyncError } from "../errors.ts";
import type { Dependency, Events } from "../events.ts";
import type { BreakerState } from "../resilience/circuit-breaker.ts";
import type { JournalState } from "../journal/journal.ts";
import type { UploadOutcomes } from "../rollout/outcomes.ts";
import { SDK_VERSION } from "../version.ts";
import type { CallConvex } from "./convex-caller.ts";

const REPORT_TIMEOUT_MS = 5 * SECOND;
/** Failed uploads are told this soon, and all that ended beside them: a rollback should not wait for half a minute. */
const SOON_MS = 3 * SECOND;
/** A client that is closed waits no longer for its last report. */
const LAST_REPORT_TIMEOUT_MS = 2 * SECOND;

export interface HealthReportsOptions {
  agent: string;
  convex: CallConvex;
  breakers: Record<Dependency, { readonly state: BreakerState }>;
  events: Events;
  /** Uploads that have not been started yet. */
  waiting: () => number;
  /** What waits on the disk: how many, and since when the oldest. */
  journal: () => JournalState;
  outcomes: UploadOutcomes;
  localStage: RolloutStage | undefined;
  intervalMs?: number;
}

export function createHealthReports(options: HealthReportsOptions) {
  const { agent, convex, breakers, events, waiting, journal, outcomes, localStage } = options;
  const { intervalMs = AGENT_REPORT_INTERVAL_MS } = options;
  const underWay = new Set<string>();
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let sendAgain = false;
  let toldDepth = 0;
  /** Set by an answer that will not change: a deployment that knows no reports yet. */
  let unwanted = false;

  const stopListening = events.on((event) => {
    switch (event.type) {
      case "upload.started":
        underWay.add(event.uploadId);
        return;
      case "upload.begun":
      case "upload.queued":
        // Not before: what was never accepted is nothing to report.
        if (timer === undefined) begin();
        return;
      case "upload.finished":
      case "upload.failed":
        underWay.delete(event.uploadId);
        return;
      case "breaker.changed":
        if (timer !== undefined) tell();
        return;
      default:
    }
  });

  outcomes.onError(() => {
    if (timer === undefined) begin();
    soon ??= setTimeout(() => {
      soon = undefined;
      if (outcomes.untold()) tell();
    }, SOON_MS).unref();
  });

  function begin() {
    timer = setInterval(() => {
      if (depth() > 0 || toldDepth > 0 || outcomes.untold()) tell();
    }, intervalMs).unref();
    tell();
  }

  const depth = () => underWay.size + waiting();

  function tell() {
    if (unwanted || closing.signal.aborted || breakers.convex.state.kind !== "closed") return;
    if (sending !== undefined) {
      sendAgain = true;
      return;
    }
    sendAgain = false;
    sending = send().finally(() => {
      sending = undefined;
      if (sendAgain) tell();
    });
  }

  async function send(timeoutMs = REPORT_TIMEOUT_MS): Promise<void> {
    const { waiting: journalDepth, oldestAt } = journal();
    const ended = outcomes.take();
    const report: AgentReport = {
      agent,
      version: SDK_VERSION,
      breakers: { s3: breakers.s3.state.kind, convex: breakers.convex.state.kind },
      queueDepth: depth(),
      journal: {
        depth: journalDepth,
        ...(oldestAt !== undefined && { oldestAgoMs: Math.max(0, Date.now() - oldestAt) }),
      },
      syncWaiting: waiting(),
      ...(localStage !== undefined && { localStage }),
      ...(ended !== undefined && { outcomes: ended }),
    };
    // No time left for another attempt: the next report says it better.
    const call = {
      ...openCall({ timeoutMs, signal: closing.signal }),
      remainingMs: () => 0,
    };
    try {
      await convex("mutation", api.agents.report, report, call);
      toldDepth = report.queueDepth;
      outcomes.told(ended);
    } catch (error) {
      unwanted = isReelsyncError(error) && error.code === "CONVEX_FAILED";
    } finally {
      call.dispose();
    }
  }

  return {
    async close(): Promise<void> {
      stopListening();
      clearInterval(timer);
      clearTimeout(soon);
      sendAgain = false;
      await sending;
      // Twice, when an earlier report has not arrived: it goes again before what came after it.
      for (let reports = 0; reports < 2 && outcomes.untold(); reports++) {
        if (!unwanted && breakers.convex.state.kind === "closed") await send(LAST_REPORT_TIMEOUT_MS);
      }
      closing.abort();
    },
  };
}
