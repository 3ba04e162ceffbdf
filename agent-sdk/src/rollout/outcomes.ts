/**
 * How uploads ended lately, counted in spans of ten seconds until a report has taken the counts to the deployment. It
 * says how long ago, not when: the deployment trusts its own clock only.
 */
import { randomUUID } from "node:crypto";
import type { OutcomeBucket, Outcomes } from "../../../contract/agent-report.ts";
import { OUTCOME_BUCKET_MS, ROLLBACK_WINDOW_MS } from "../../../contract/rollout.ts";
import type { ReelsyncError } from "../errors.ts";
import { countsAgainstRollout } from "../errors.ts";
import type { Scope } from "./rollout.ts";

type Counted = Omit<OutcomeBucket, "agoMs"> & { from: number };

/** Stages and projects counted at a time, for five minutes each: a report takes 400 spans. */
const MAX_SPANS = 400;

export type UploadOutcomes = ReturnType<typeof createOutcomes>;

export function createOutcomes({ now = () => performance.now() }: { now?: () => number } = {}) {
  const instance = randomUUID();
  const spans = new Map<string, Counted>();
  const listeners = new Set<() => void>();
  /** What a report is carrying; told again, unchanged, until one has arrived. */
  let underWay: { sequence: number; counted: Counted[] } | undefined;
  let sequence = 0;
  let closed = false;

  function count({ stage, project }: Scope, failed: boolean): void {
    const from = Math.floor(now() / OUTCOME_BUCKET_MS) * OUTCOME_BUCKET_MS;
    const name = JSON.stringify([from, stage, project]);
    const span = spans.get(name) ?? {
      from,
      stage,
      ...(project !== undefined && { project }),
      uploads: 0,
      errors: 0,
    };
    span.uploads += 1;
    span.errors += failed ? 1 : 0;
    spans.set(name, span);
    if (spans.size > MAX_SPANS) spans.delete([...spans.keys()][0] ?? "");
    if (failed) for (const listener of listeners) listener();
  }

  function dropOld(): void {
    const oldest = now() - ROLLBACK_WINDOW_MS - OUTCOME_BUCKET_MS;
    for (const [name, { from }] of spans) if (from < oldest) spans.delete(name);
  }

  return {
    published: (scope: Scope) => count(scope, false),
    /** Only what the services or we are to blame for; bad input is no upload in this sense. */
    failed(scope: Scope, error: ReelsyncError): void {
      // Whatever ends because the client is closed says nothing about the services.
      if (!closed && countsAgainstRollout(error)) count(scope, true);
    },
    /** For the next report; undefined when there is nothing to tell. */
    take(): Outcomes | undefined {
      dropOld();
      if (underWay === undefined && spans.size > 0) {
        underWay = { sequence: (sequence += 1), counted: [...spans.values()] };
        spans.clear();
      }
      if (underWay === undefined) return undefined;
      const { counted } = underWay;
      return {
        instance,
        sequence: underWay.sequence,
        buckets: counted.map(({ from, ...counts }) => ({ agoMs: Math.max(0, now() - from), ...counts })),
      };
    },
    /** The report that carried them has arrived. */
    told(taken: Outcomes | undefined): void {
      if (taken?.sequence === underWay?.sequence) underWay = undefined;
    },
    untold: () => underWay !== undefined || spans.size > 0,
    onError(listener: () => void): void {
      listeners.add(listener);
    },
    close(): void {
      closed = true;
    },
  };
}
