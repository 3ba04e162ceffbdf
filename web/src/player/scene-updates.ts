/**
 * Re-rendered scenes. A newer version never replaces what a viewer is watching at this moment: it is held back until
 * the viewer asks for it or leaves the scene. Everywhere else it takes its place at once. Pure.
 */
import type { TimelineScene } from "../../../contract/playback.ts";

export interface SceneUpdate {
  sceneId: string;
  /** The version now on offer. */
  version: number;
  /** Whether the viewer still sees the older one. */
  held: boolean;
}

export interface Reconciled {
  /** What to play. */
  scenes: TimelineScene[];
  updates: SceneUpdate[];
}

/** `shown` is what plays now, `latest` what the subscription says, `watching` the scene under the playhead. */
export function holdBack(
  shown: TimelineScene[],
  latest: TimelineScene[],
  watching: string | undefined,
): Reconciled {
  const shownById = new Map(shown.map((scene) => [scene.sceneId, scene]));
  const updates: SceneUpdate[] = [];
  const scenes = latest.map((scene) => {
    const old = shownById.get(scene.sceneId);
    if (!old || !replacesChunks(old, scene)) return scene;
    const held = scene.sceneId === watching;
    updates.push({ sceneId: scene.sceneId, version: scene.assetVersion, held });
    // Title and code are free to move on; captions stay with the media they were timed for.
    return held ? { ...scene, chunks: old.chunks, ...subtitleOf(old) } : scene;
  });
  return { scenes, updates };
}

function subtitleOf(scene: TimelineScene): Pick<TimelineScene, "subtitle"> {
  return scene.subtitle ? { subtitle: scene.subtitle } : {};
}

/** A chunk that was there is now another one. A chunk that is merely new continues the scene and replaces nothing. */
function replacesChunks(old: TimelineScene, next: TimelineScene): boolean {
  return old.chunks.some((chunk) => {
    const now = next.chunks.find((candidate) => candidate.chunkIndex === chunk.chunkIndex);
    return now?.assetId !== chunk.assetId;
  });
}
