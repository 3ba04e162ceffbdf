import type { TimelineScene } from "../../../contract/playback.ts";
import type { SessionStatus } from "../../../contract/session.ts";

export type SceneLook = "ready" | "rendering" | "planned" | "failed" | "never";

/** How a scene is drawn. What can be watched looks ready, even while it is being rendered again. */
export function sceneLook(
  scene: Pick<TimelineScene, "status" | "chunks">,
  session: SessionStatus,
): SceneLook {
  if (scene.chunks.length > 0) return "ready";
  if (scene.status === "failed") return "failed";
  // Nobody works on it any more.
  if (session !== "live") return "never";
  return scene.status === "rendering" ? "rendering" : "planned";
}

/** Whether a file that is missing may still come. */
export function mayStillUpload(scene: Pick<TimelineScene, "assetsStatus">, session: SessionStatus): boolean {
  return session === "live" || scene.assetsStatus === "uploading";
}
