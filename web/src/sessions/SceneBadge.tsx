import type { TimelineScene } from "../../../contract/playback.ts";
import type { SessionStatus } from "../../../contract/session.ts";
import { StatusBadge } from "../ui/StatusBadge.tsx";
import { sceneLook } from "./scene-look.ts";
import { SCENE_STATUS } from "./session-status.ts";

/** A scene's state in a word, with what the state alone does not say: again, on its way, never. */
export function SceneBadge({ scene, session }: { scene: TimelineScene; session: SessionStatus }) {
  const look = sceneLook(scene, session);
  if (look === "never") return <StatusBadge tone="planned">Not rendered</StatusBadge>;
  if (scene.status === "rendering" && scene.chunks.length > 0) {
    return (
      <StatusBadge tone="working" live>
        Rendering again
      </StatusBadge>
    );
  }
  if (scene.status !== "failed" && scene.assetsStatus === "uploading" && look !== "ready") {
    return (
      <StatusBadge tone="working" live>
        Uploading
      </StatusBadge>
    );
  }
  const { label, tone, live } = SCENE_STATUS[scene.status];
  return (
    <StatusBadge tone={tone} live={live ?? false}>
      {label}
    </StatusBadge>
  );
}
