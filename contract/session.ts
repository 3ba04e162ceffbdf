/** A session: one agent run that produces a reel. */
import * as z from "zod";
import { MAX_NAME_LENGTH } from "./limits.ts";

export const sessionStatusSchema = z.enum(["live", "ended", "failed"]);
export type SessionStatus = z.infer<typeof sessionStatusSchema>;

export const sessionCreateSchema = z.object({
  title: z.string().min(1).max(MAX_NAME_LENGTH),
  /** Project slug; created on first use by an agent whose key covers the whole tenant. */
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "expected a slug: lower-case letters, digits and dashes"),
  /** The agent's own name for the run, unique in the project: creating it twice returns the first. */
  sessionKey: z.string().min(1).max(MAX_NAME_LENGTH),
  plannedSceneCount: z.number().int().min(0).max(1_000).optional(),
});
export type SessionCreate = z.infer<typeof sessionCreateSchema>;

export const roleSchema = z.enum(["owner", "admin", "editor", "viewer"]);
export type Role = z.infer<typeof roleSchema>;
