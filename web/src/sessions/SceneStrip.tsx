import { useEffect, useRef } from "react";
import type { Timeline, TimelineScene } from "../../../contract/playback.ts";
import type { LivePlayback } from "../player/useLivePlayback.ts";
import { formatDuration } from "../ui/format.ts";
import { sceneLook } from "./scene-look.ts";
import { SCENE_STATUS } from "./session-status.ts";
import styles from "./SceneStrip.module.css";

interface Props {
  playback: LivePlayback;
  timeline: Timeline;
  onPick: (sceneId: string) => void;
}

/** The reel to scale: what is there, what is being made, what is still to come. */
export function SceneStrip({ playback, timeline, onPick }: Props) {
  const { view, reel } = playback;
  const strip = useRef<HTMLDivElement>(null);

  // The playhead moves without rendering anything.
  useEffect(() => {
    if (!reel) return;
    const stop = new AbortController();
    const move = (): void => {
      const span = reel.plan.spans.find(({ sceneId }) => sceneId === reel.currentSlot?.sceneId);
      const share = span && span.duration > 0 ? (reel.currentTime - span.start) / span.duration : 0;
      strip.current?.style.setProperty("--share", String(Math.min(1, Math.max(0, share))));
    };
    move();
    for (const type of ["timeupdate", "seeked", "statechange"]) {
      reel.addEventListener(type, move, { signal: stop.signal });
    }
    return () => stop.abort();
  }, [reel]);

  const durations = new Map(view.plan.spans.map(({ sceneId, duration }) => [sceneId, duration]));
  const average = view.plan.spans.length > 0 ? view.plan.duration / view.plan.spans.length || 8 : 8;
  const ghosts =
    timeline.status === "live" ? Math.max(0, (timeline.plannedSceneCount ?? 0) - timeline.scenes.length) : 0;

  return (
    <div className={styles["strip"]} ref={strip} role="group" aria-label="Timeline of scenes">
      {timeline.scenes.map((scene) => {
        const duration = durations.get(scene.sceneId) ?? 0;
        return (
          <button
            key={scene.sceneId}
            type="button"
            style={{ flexGrow: duration || 0.001 }}
            className={styles["segment"]}
            data-kind={sceneLook(scene, timeline.status)}
            data-current={scene.sceneId === view.sceneId || undefined}
            data-buffered={view.buffered.has(scene.sceneId) || undefined}
            data-testid={`segment-${scene.index}`}
            aria-label={describe(scene, duration)}
            title={describe(scene, duration)}
            onClick={() => onPick(scene.sceneId)}
          />
        );
      })}
      {Array.from({ length: ghosts }, (_, i) => (
        <span key={i} className={styles["segment"]} data-kind="planned" style={{ flexGrow: average }} />
      ))}
    </div>
  );
}

function describe(scene: TimelineScene, duration: number): string {
  const length = duration > 0 ? `, ${formatDuration(duration)}` : "";
  return `Scene ${scene.index + 1}: ${scene.title}, ${SCENE_STATUS[scene.status].label.toLowerCase()}${length}`;
}
