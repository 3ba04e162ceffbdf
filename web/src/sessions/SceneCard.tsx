import { CircleAlert, Info } from "lucide-react";
import type { TimelineScene } from "../../../contract/playback.ts";
import type { SessionStatus } from "../../../contract/session.ts";
import { Thumbnail } from "../media/Thumbnail.tsx";
import type { SceneUpdate } from "../player/scene-updates.ts";
import { formatDuration } from "../ui/format.ts";
import { SceneBadge } from "./SceneBadge.tsx";
import { sceneLook } from "./scene-look.ts";
import styles from "./SceneCard.module.css";

interface Props {
  scene: TimelineScene;
  session: SessionStatus;
  duration: number;
  isCurrent: boolean;
  isPlaying: boolean;
  isShown: boolean;
  isBuffered: boolean;
  update: SceneUpdate | undefined;
  onPick: () => void;
  onDetails: (() => void) | undefined;
}

export function SceneCard(props: Props) {
  const { scene, session, duration, isCurrent, update } = props;
  const look = sceneLook(scene, session);
  return (
    <li
      className={styles["card"]}
      data-testid={`scene-${scene.index}`}
      data-status={scene.status}
      data-look={look}
      data-version={scene.assetVersion}
      data-buffered={props.isBuffered}
      data-current={isCurrent || undefined}
      data-shown={props.isShown || undefined}
    >
      <button
        type="button"
        className={styles["main"]}
        onClick={props.onPick}
        aria-current={isCurrent ? "true" : undefined}
      >
        <span className={styles["picture"]}>
          {look === "failed" ? <FailedPicture /> : <Thumbnail assetId={scene.thumbnail?.assetId} />}
          {duration > 0 && (
            <span className={styles["length"]}>
              {look === "ready" ? "" : "~"}
              {formatDuration(duration)}
            </span>
          )}
          {props.isPlaying && (
            <span className={styles["playing"]} aria-hidden="true">
              <i />
              <i />
              <i />
            </span>
          )}
        </span>
        <span className={styles["text"]}>
          <span className={styles["title"]}>
            <span className={styles["number"]}>{scene.index + 1}</span>
            <span className={styles["name"]}>{scene.title}</span>
          </span>
          <span className={styles["badges"]}>
            <SceneBadge scene={scene} session={session} />
            {scene.assetVersion > 1 && (
              <span className={styles["version"]} data-fresh={update !== undefined || undefined}>
                {update?.held ? `v${update.version} available` : `v${scene.assetVersion}`}
              </span>
            )}
          </span>
          {scene.errorMessage && look === "failed" && (
            <span className={styles["error"]}>{scene.errorMessage}</span>
          )}
        </span>
      </button>
      {props.onDetails && (
        <button
          type="button"
          className={styles["details"]}
          onClick={props.onDetails}
          aria-label={`Details of scene ${scene.index + 1}`}
        >
          <Info size={18} />
        </button>
      )}
    </li>
  );
}

function FailedPicture() {
  return (
    <span className={styles["failedPicture"]}>
      <CircleAlert size={22} aria-hidden="true" />
    </span>
  );
}
