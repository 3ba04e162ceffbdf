/**
 * How far uploads are rolled out, and the rule by which a stage is taken back by itself. No zod here: the web bundle
 * reads this file.
 *
 *   off          nothing is uploaded; the call answers `skipped`
 *   shadow       bytes and record, but the version goes to history: viewers see nothing, the error rate is real
 *   end-of-run   kept in the agent's journal, sent at `endSession()`, `drain()` or `close()`
 *   on-write     sent at once
 */
import { MINUTE, SECOND } from "./limits.ts";

export const ROLLOUT_STAGES = ["off", "shadow", "end-of-run", "on-write"] as const;
export type RolloutStage = (typeof ROLLOUT_STAGES)[number];

/** Of a tenant nobody has decided anything for. */
export const DEFAULT_STAGE: RolloutStage = "on-write";

/**
 * Where too many errors take a stage. Nothing may be lost by it: from `on-write` uploads go into the journal, from
 * `shadow`, which nobody watches, they stop. `end-of-run` keeps everything already, so it stays.
 */
export const ROLLBACK_TO: Partial<Record<RolloutStage, RolloutStage>> = {
  "on-write": "end-of-run",
  shadow: "off",
};

/** S2: more than 5 % of the uploads of five minutes, of which there are at least 50. */
export const ROLLBACK_WINDOW_MS = 5 * MINUTE;
export const ROLLBACK_MIN_UPLOADS = 50;
export const ROLLBACK_ERROR_RATE = 0.05;

/** How finely ended uploads are told apart by time. */
export const OUTCOME_BUCKET_MS = 10 * SECOND;

/** Projects of a tenant that may have a stage of their own: all of them are read whenever an agent asks. */
export const MAX_PROJECT_STAGES = 100;

export interface Stages {
  stage: RolloutStage;
  /** Projects that have their own. */
  projects: { project: string; stage: RolloutStage }[];
}

export interface OutcomeCounts {
  uploads: number;
  errors: number;
}

export function callsForRollback({ uploads, errors }: OutcomeCounts): boolean {
  return uploads >= ROLLBACK_MIN_UPLOADS && errors / uploads > ROLLBACK_ERROR_RATE;
}
