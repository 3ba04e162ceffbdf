/** A scene: the ordered unit of a session. Its assets are rows of their own; a scene points at the current ones. */
import * as z from "zod";
import { MAX_NAME_LENGTH } from "./limits.ts";

/** What the agent says of a scene's making. `ready` is never said by the agent: it follows from a committed chunk. */
export const sceneStatusSchema = z.enum(["planned", "rendering", "ready", "failed"]);
export type SceneStatus = z.infer<typeof sceneStatusSchema>;

/** State of a scene's assets taken together. */
export const assetsStatusSchema = z.enum(["pending", "uploading", "ready", "error"]);
export type AssetsStatus = z.infer<typeof assetsStatusSchema>;

export const sceneUpsertSchema = z.object({
  sessionId: z.string().min(1),
  /** The agent's own name for the scene, unique in the session: the natural key of the upsert. */
  sceneKey: z.string().min(1).max(MAX_NAME_LENGTH),
  /** Place in the reel, from 0. */
  index: z.number().int().min(0),
  title: z.string().min(1).max(MAX_NAME_LENGTH),
  status: z.enum(["planned", "rendering", "failed"]).optional(),
  /** Expected length while nothing is rendered yet, so that a timeline can be drawn to scale. */
  plannedDurationMs: z.number().int().min(0).optional(),
  errorMessage: z.string().max(2_000).optional(),
});
export type SceneUpsert = z.infer<typeof sceneUpsertSchema>;
