/** What a running agent says of itself, for the people who look after it. Holds no name of a file and no secret. */
import * as z from "zod";
import { MAX_NAME_LENGTH } from "./limits.ts";
import { ROLLOUT_STAGES } from "./rollout.ts";

export const breakerKindSchema = z.enum(["closed", "open", "halfOpen"]);

export const rolloutStageSchema = z.enum(ROLLOUT_STAGES);

const count = z.number().int().min(0);

/** Uploads that ended within one span of `OUTCOME_BUCKET_MS`, by the stage that held for them. */
const outcomeBucketSchema = z.object({
  /** How long before the report the span began: agents' clocks are not to be trusted. */
  agoMs: z.number().min(0),
  stage: rolloutStageSchema,
  /** The project, where it has a stage of its own. */
  project: z.string().max(63).optional(),
  uploads: count,
  errors: count,
});
export type OutcomeBucket = z.infer<typeof outcomeBucketSchema>;

/** Uploads that ended since the last report that arrived. `instance` and `sequence` tell a repeated report from a new one. */
const outcomesSchema = z.object({
  instance: z.uuid(),
  sequence: z.number().int().min(1),
  buckets: z.array(outcomeBucketSchema).max(400),
});
export type Outcomes = z.infer<typeof outcomesSchema>;

export const agentReportSchema = z.object({
  /** The agent's name for itself; the latest report of a name (and key) is the one that is kept. */
  agent: z.string().min(1).max(MAX_NAME_LENGTH),
  /** Of the SDK. */
  version: z.string().min(1).max(50),
  breakers: z.object({ s3: breakerKindSchema, convex: breakerKindSchema }),
  /** Uploads under way or waiting. */
  queueDepth: count,
  /** What waits on the agent's disk. */
  journal: z.object({ depth: count, oldestAgoMs: z.number().min(0).optional() }).optional(),
  /** Accepted by a sync call and not begun yet. */
  syncWaiting: count.optional(),
  /** Set on the machine itself; wins over what the deployment says. */
  localStage: rolloutStageSchema.optional(),
  outcomes: outcomesSchema.optional(),
});
export type AgentReport = z.infer<typeof agentReportSchema>;
