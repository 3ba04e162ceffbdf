/** How states of sessions and scenes are worded and toned, in one place. */
import type { SceneStatus } from "../../../contract/scene.ts";
import type { SessionStatus } from "../../../contract/session.ts";
import type { Tone } from "../ui/StatusBadge.tsx";

interface Wording {
  label: string;
  tone: Tone;
  live?: boolean;
}

export const SESSION_STATUS: Record<SessionStatus, Wording> = {
  live: { label: "Live", tone: "ready", live: true },
  ended: { label: "Complete", tone: "neutral" },
  failed: { label: "Failed", tone: "failed" },
};

export const SCENE_STATUS: Record<SceneStatus, Wording> = {
  ready: { label: "Ready", tone: "ready" },
  rendering: { label: "Rendering", tone: "working", live: true },
  planned: { label: "Planned", tone: "planned" },
  failed: { label: "Failed", tone: "failed" },
};

/** "3 of 8 scenes ready": of those planned, when the plan is longer than what was announced so far. */
export function readiness(counts: {
  readyCount: number;
  sceneCount: number;
  plannedSceneCount?: number | undefined;
}): { ready: number; total: number; text: string } {
  const total = Math.max(counts.sceneCount, counts.plannedSceneCount ?? 0);
  const text =
    total === 0
      ? "No scenes yet"
      : `${counts.readyCount} of ${total} ${total === 1 ? "scene" : "scenes"} ready`;
  return { ready: counts.readyCount, total, text };
}
