import { Sparkles } from "lucide-react";
import { useState } from "react";
import type { Timeline } from "../../../contract/playback.ts";
import styles from "./UpdateOffer.module.css";
import type { LivePlayback } from "./useLivePlayback.ts";

/** The scene being watched was rendered again: now, or when it comes round the next time. */
export function UpdateOffer({ playback, timeline }: { playback: LivePlayback; timeline: Timeline }) {
  const { reel, view, updates } = playback;
  const [declined, setDeclined] = useState<ReadonlySet<string>>(new Set());
  const update = view.sceneId === undefined ? undefined : updates.get(view.sceneId);
  if (!reel || !update?.held) return null;
  const key = `${update.sceneId} ${update.version}`;
  const scene = timeline.scenes.find(({ sceneId }) => sceneId === update.sceneId);
  if (!scene || declined.has(key)) return null;
  return (
    <div className={styles["offer"]} role="status" data-testid="update-offer">
      <Sparkles size={16} aria-hidden="true" />
      <span>
        Scene {scene.index + 1} updated (v{update.version})
      </span>
      <button type="button" data-primary onClick={() => reel.takeUpdate()}>
        Watch now
      </button>
      <button type="button" onClick={() => setDeclined((keys) => new Set(keys).add(key))}>
        Later
      </button>
    </div>
  );
}
