/** What a running agent says of itself, for the people who look after it. Holds no name of a file and no secret. */
import * as z from "zod";
import { MAX_NAME_LENGTH } from "./limits.ts";

export const breakerKindSchema = z.enum(["closed", "open", "halfOpen"]);

export const agentReportSchema = z.object({
  /** The agent's name for itself; the latest report of a name (and key) is the one that is kept. */
  agent: z.string().min(1).max(MAX_NAME_LENGTH),
  /** Of the SDK. */
  version: z.string().min(1).max(50),
  breakers: z.object({ s3: breakerKindSchema, convex: breakerKindSchema }),
  /** Uploads under way or waiting. */
  queueDepth: z.number().int().min(0),
});
export type AgentReport = z.infer<typeof agentReportSchema>;
