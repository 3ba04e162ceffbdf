/** A dead letter: an upload given up on, parked with its cause and what is needed to replay it. */
import * as z from "zod";
import { assetIntentSchema } from "./asset.ts";

export const deadLetterStateSchema = z.enum([
  /** Waiting for somebody. */
  "parked",
  /** An admin asked for a replay; the agent that holds the file will pick it up. */
  "replay_requested",
  "replaying",
  /** The same content reached `ready`. */
  "resolved",
  "discarded",
]);
export type DeadLetterState = z.infer<typeof deadLetterStateSchema>;

export const deadLetterSchema = z.object({
  /** Its `uploadId` is the natural key: recording the same failure again updates the one letter. */
  intent: assetIntentSchema,
  /** Stable code of the last error, its message, and the step that failed. */
  code: z.string(),
  message: z.string().max(2_000),
  step: z.enum(["begin", "upload", "commit"]),
  attempts: z.number().int().min(1),
  /** Where the bytes are on the agent's machine; absent when they came from memory. */
  filePath: z.string().optional(),
  agent: z.string(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;
