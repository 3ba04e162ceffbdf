/** How the uploads of an agent ended lately: what its reports bring is added to its row, once, at the deployment's time. */
import type { Outcomes } from "../../contract/agent-report.ts";
import { OUTCOME_BUCKET_MS, ROLLBACK_WINDOW_MS } from "../../contract/rollout.ts";
import type { Doc } from "../_generated/dataModel";
import { present } from "./present.ts";

type Kept = NonNullable<Doc<"agentHealth">["outcomes"]>;
type Bucket = Kept["buckets"][number];

/** Processes that report under one name: a shell starts one for each upload. A repeat comes soon or not at all. */
const MAX_INSTANCES = 50;
/** Far more spans than five minutes have, for a handful of stages and projects. */
const MAX_BUCKETS = 500;

export function addOutcomes(
  kept: Kept = { added: [], buckets: [] },
  { instance, sequence, buckets }: Outcomes,
  now: number,
): Kept {
  const last = kept.added.find((one) => one.instance === instance);
  if (last !== undefined && last.sequence >= sequence) return kept;
  const merged = new Map<string, Bucket>();
  const brought = buckets.map(({ agoMs, ...bucket }) => ({ ...bucket, at: startOf(now - agoMs) }));
  for (const { at, stage, project, uploads, errors } of [...kept.buckets, ...brought]) {
    if (at <= now - ROLLBACK_WINDOW_MS) continue;
    const name = JSON.stringify([at, stage, project]);
    const before = merged.get(name);
    merged.set(name, {
      at,
      stage,
      ...present({ project }),
      uploads: uploads + (before?.uploads ?? 0),
      errors: errors + (before?.errors ?? 0),
    });
  }
  return {
    added: [...kept.added.filter((one) => one !== last), { instance, sequence }].slice(-MAX_INSTANCES),
    buckets: [...merged.values()].sort((a, b) => a.at - b.at).slice(-MAX_BUCKETS),
  };
}

function startOf(time: number): number {
  return Math.floor(time / OUTCOME_BUCKET_MS) * OUTCOME_BUCKET_MS;
}
