import type { Timeline } from "../../../contract/playback.ts";
import type { LivePlayback } from "../player/useLivePlayback.ts";
import { SceneCard } from "./SceneCard.tsx";
import styles from "./SceneList.module.css";

interface Props {
  playback: LivePlayback;
  timeline: Timeline;
  /** The scene the panel beside the list shows; undefined when there is no panel. */
  shownId: string | undefined;
  onPick: (sceneId: string) => void;
  onDetails: ((sceneId: string) => void) | undefined;
}

export function SceneList({ playback, timeline, shownId, onPick, onDetails }: Props) {
  const { view, updates } = playback;
  const durations = new Map(view.plan.spans.map(({ sceneId, duration }) => [sceneId, duration]));
  return (
    <ol className={styles["list"]} aria-label="Scenes">
      {timeline.scenes.map((scene) => (
        <SceneCard
          key={scene.sceneId}
          scene={scene}
          session={timeline.status}
          duration={durations.get(scene.sceneId) ?? 0}
          isCurrent={scene.sceneId === view.sceneId}
          isPlaying={scene.sceneId === view.sceneId && view.state === "playing"}
          isShown={scene.sceneId === shownId}
          isBuffered={view.buffered.has(scene.sceneId)}
          update={updates.get(scene.sceneId)}
          onPick={() => onPick(scene.sceneId)}
          onDetails={onDetails && (() => onDetails(scene.sceneId))}
        />
      ))}
    </ol>
  );
}
