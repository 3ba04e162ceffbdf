import { CirclePause, Play, RotateCcw, SkipForward } from "lucide-react";
import type { Timeline, TimelineScene } from "../../../contract/playback.ts";
import styles from "./PlayerOverlay.module.css";
import type { PlaybackPlan } from "./playback-plan.ts";
import type { LivePlayback } from "./useLivePlayback.ts";

/** What stands in the middle of the picture when it does not simply play. */
export function PlayerOverlay({ playback, timeline }: { playback: LivePlayback; timeline: Timeline }) {
  const { reel, view } = playback;
  if (!reel) return null;
  const scene = timeline.scenes.find(({ sceneId }) => sceneId === view.sceneId);
  switch (view.state) {
    case "playing":
      return null;
    case "idle":
      return view.started ? null : <BigPlay playback={playback} timeline={timeline} />;
    case "waiting":
      return <Waiting playback={playback} timeline={timeline} scene={scene} />;
    case "ended":
      return <Ended playback={playback} timeline={timeline} />;
    case "error":
      return <Failed playback={playback} scene={scene} />;
  }
}

function BigPlay({ playback, timeline }: { playback: LivePlayback; timeline: Timeline }) {
  const { reel, view, resumedIn } = playback;
  const here = timeline.scenes.find(({ sceneId }) => sceneId === view.sceneId);
  const resumed = here?.sceneId === resumedIn ? here : undefined;
  const play = (): void => void reel?.play().catch(() => undefined);
  const startOver = (): void => {
    reel?.seek(0);
    play();
  };
  return (
    <div className={styles["stack"]}>
      <button
        type="button"
        className={styles["play"]}
        onClick={play}
        aria-label={resumed ? `Continue in scene ${resumed.index + 1}` : "Play"}
        data-testid="big-play"
      >
        <Play size={34} fill="currentColor" strokeWidth={0} />
      </button>
      {resumed && (
        <div className={styles["row"]}>
          <span className={styles["pill"]}>Continue in scene {resumed.index + 1}</span>
          <button type="button" className={styles["pillButton"]} data-solid onClick={startOver}>
            Start over
          </button>
        </div>
      )}
    </div>
  );
}

interface WaitingProps {
  playback: LivePlayback;
  timeline: Timeline;
  scene: TimelineScene | undefined;
}

/** Kind, not an error: the scene is on its way and playing goes on by itself. */
function Waiting({ playback: { reel, view }, timeline, scene }: WaitingProps) {
  const later = nextPlayable(view.plan, view.sceneId);
  const laterScene = timeline.scenes.find(({ sceneId }) => sceneId === later);
  return (
    <div className={styles["panel"]} role="status" data-testid="waiting">
      <span className={styles["frames"]} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <strong>{waitingTitle(timeline, scene)}</strong>
      <span className={styles["quiet"]}>
        {view.paused && view.started ? "Paused. " : ""}
        {view.started && !view.paused
          ? "Playing goes on by itself as soon as it is here."
          : "It can be played as soon as it is here."}
      </span>
      <div className={styles["row"]}>
        {view.started && !view.paused && (
          <button type="button" className={styles["pillButton"]} onClick={() => reel?.pause()}>
            <CirclePause size={15} /> Pause
          </button>
        )}
        {later !== undefined && laterScene && (
          <button type="button" className={styles["pillButton"]} onClick={() => reel?.seekToScene(later)}>
            <SkipForward size={15} /> Skip to scene {laterScene.index + 1}
          </button>
        )}
      </div>
    </div>
  );
}

function waitingTitle(timeline: Timeline, scene: TimelineScene | undefined): string {
  if (!scene) {
    return timeline.scenes.length === 0
      ? "The first scene is being planned…"
      : "More scenes are on their way…";
  }
  const name = `Scene ${scene.index + 1}`;
  if (scene.status === "rendering") return `${name} is rendering…`;
  return scene.status === "planned" ? `${name} is next in line…` : `Waiting for ${name.toLowerCase()}…`;
}

function nextPlayable(plan: PlaybackPlan, sceneId: string | undefined): string | undefined {
  const here = plan.slots.findIndex((slot) => slot.sceneId === sceneId);
  return here < 0 ? undefined : plan.slots.slice(here).find((slot) => slot.kind === "chunk")?.sceneId;
}

function Ended({ playback: { reel }, timeline }: { playback: LivePlayback; timeline: Timeline }) {
  const playable = timeline.scenes.some(({ chunks }) => chunks.length > 0);
  if (!playable) {
    return (
      <div className={styles["panel"]} data-testid="nothing-rendered">
        <strong>Nothing was rendered in this session</strong>
        <span className={styles["quiet"]}>
          It {timeline.status === "failed" ? "failed" : "ended"} without a scene to watch.
        </span>
      </div>
    );
  }
  return (
    <button
      type="button"
      className={styles["play"]}
      onClick={() => void reel?.play().catch(() => undefined)}
      aria-label="Play again"
      data-testid="replay"
    >
      <RotateCcw size={30} />
    </button>
  );
}

function Failed({
  playback: { reel, view },
  scene,
}: {
  playback: LivePlayback;
  scene: TimelineScene | undefined;
}) {
  const after = view.plan.slots.findLastIndex((slot) => slot.sceneId === view.sceneId) + 1;
  const next = view.plan.slots.slice(after).find((slot) => slot.kind === "chunk");
  return (
    <div className={styles["panel"]} role="alert" data-testid="playback-error">
      <strong>
        {scene ? `Scene ${scene.index + 1} cannot be played right now` : "This cannot be played right now"}
      </strong>
      <span className={styles["quiet"]}>
        {view.failure?.message} <code>{view.failure?.code}</code>
      </span>
      <div className={styles["row"]}>
        <button type="button" className={styles["pillButton"]} onClick={() => reel?.retry()}>
          <RotateCcw size={15} /> Try again
        </button>
        {next && (
          <button
            type="button"
            className={styles["pillButton"]}
            onClick={() => {
              reel?.seekToScene(next.sceneId);
            }}
          >
            <SkipForward size={15} /> Skip to scene {next.sceneIndex + 1}
          </button>
        )}
      </div>
    </div>
  );
}
