/**
 * From a session's timeline to the order of playing. Pure: no clock, no DOM, no URL.
 *
 * A plan is a row of slots on one virtual reel. A slot is either a chunk that can be played or a gap: a scene that is
 * promised but not there yet, drawn at its expected length. A viewer's place is a slot and an offset in it, never a
 * time on the reel, because times move whenever a scene before it arrives or changes its length.
 */
import type { Timeline, TimelineAsset, TimelineScene } from "../../../contract/playback.ts";

/** What of a timeline decides the order of playing. */
export type Reel = Pick<Timeline, "status" | "scenes">;

interface SlotPlace {
  key: string;
  sceneId: string;
  sceneIndex: number;
  /** Seconds on the reel. */
  start: number;
  duration: number;
}

export interface ChunkSlot extends SlotPlace {
  kind: "chunk";
  asset: TimelineAsset;
}

export interface GapSlot extends SlotPlace {
  kind: "gap";
}

export type Slot = ChunkSlot | GapSlot;

export interface SceneSpan {
  sceneId: string;
  start: number;
  duration: number;
}

export interface PlaybackPlan {
  slots: Slot[];
  spans: SceneSpan[];
  duration: number;
  /** More scenes may still come after the last slot. */
  open: boolean;
}

/** `slotKey: null` is the place behind the last slot; `after` names that slot, so that a later one is found. */
export interface Place {
  slotKey: string | null;
  offset: number;
  after?: string;
}

/** Drawn for a scene of which neither chunk nor plan tells a length. */
const UNKNOWN_SCENE_SECONDS = 8;

export const EMPTY_PLAN: PlaybackPlan = { slots: [], spans: [], duration: 0, open: true };

/** `measured`: seconds by asset id, read from the media itself; they win over what the record announced. */
export function buildPlan(reel: Reel, measured: ReadonlyMap<string, number>): PlaybackPlan {
  const open = reel.status === "live";
  const slots: Slot[] = [];
  const spans: SceneSpan[] = [];
  const scenes = [...reel.scenes].sort((a, b) => a.index - b.index);
  const guess = averageSceneSeconds(scenes, measured);
  let time = 0;
  for (const scene of scenes) {
    const start = time;
    const place = { sceneId: scene.sceneId, sceneIndex: scene.index };
    if (scene.chunks.length > 0) {
      for (const asset of [...scene.chunks].sort((a, b) => a.chunkIndex - b.chunkIndex)) {
        const duration = chunkSeconds(asset, scene, measured) ?? guess / scene.chunks.length;
        slots.push({
          kind: "chunk",
          key: `${scene.sceneId}/${asset.chunkIndex}`,
          ...place,
          asset,
          start: time,
          duration,
        });
        time += duration;
      }
    } else if (open && scene.status !== "failed") {
      const duration = plannedSeconds(scene) ?? guess;
      slots.push({ kind: "gap", key: `${scene.sceneId}/gap`, ...place, start: time, duration });
      time += duration;
    }
    spans.push({ sceneId: scene.sceneId, start, duration: time - start });
  }
  return { slots, spans, duration: time, open };
}

function plannedSeconds(scene: TimelineScene): number | undefined {
  return scene.plannedDurationMs ? scene.plannedDurationMs / 1000 : undefined;
}

function chunkSeconds(
  asset: TimelineAsset,
  scene: TimelineScene,
  measured: ReadonlyMap<string, number>,
): number | undefined {
  const known = measured.get(asset.assetId);
  if (known !== undefined) return known;
  if (asset.durationMs) return asset.durationMs / 1000;
  const planned = plannedSeconds(scene);
  return planned === undefined ? undefined : planned / scene.chunks.length;
}

function averageSceneSeconds(scenes: TimelineScene[], measured: ReadonlyMap<string, number>): number {
  let total = 0;
  let count = 0;
  for (const scene of scenes) {
    const chunks = scene.chunks.map((chunk) => chunkSeconds(chunk, scene, measured));
    const seconds =
      chunks.length > 0 ? chunks.reduce((sum, one) => (sum ?? 0) + (one ?? 0), 0) : plannedSeconds(scene);
    if (!seconds) continue;
    total += seconds;
    count += 1;
  }
  return count === 0 ? UNKNOWN_SCENE_SECONDS : total / count;
}

export function slotOf(plan: PlaybackPlan, place: Place): Slot | undefined {
  return plan.slots.find((slot) => slot.key === place.slotKey);
}

export function slotAfter(plan: PlaybackPlan, key: string): Slot | undefined {
  const index = plan.slots.findIndex((slot) => slot.key === key);
  return index < 0 ? undefined : plan.slots[index + 1];
}

export function startPlace(plan: PlaybackPlan): Place {
  const first = plan.slots[0];
  return first ? { slotKey: first.key, offset: 0 } : { slotKey: null, offset: 0 };
}

export function endPlace(plan: PlaybackPlan): Place {
  const last = plan.slots.at(-1);
  return last ? { slotKey: null, offset: 0, after: last.key } : { slotKey: null, offset: 0 };
}

/** The place behind a slot: the start of the next one, or the end of what exists. */
export function placeAfter(plan: PlaybackPlan, key: string): Place {
  const next = slotAfter(plan, key);
  return next ? { slotKey: next.key, offset: 0 } : endPlace(plan);
}

export function placeAt(plan: PlaybackPlan, time: number): Place {
  const clamped = Math.max(0, time);
  const slot = plan.slots.find((candidate) => clamped < candidate.start + candidate.duration);
  if (!slot) return endPlace(plan);
  // Inside a gap there is nothing to be in the middle of: the viewer waits for the scene's beginning.
  return { slotKey: slot.key, offset: slot.kind === "gap" ? 0 : clamped - slot.start };
}

/** Where somebody who seeks wants to be: the end of a finished reel is its last frame, not nothing. */
export function seekTarget(plan: PlaybackPlan, time: number): Place {
  const place = placeAt(plan, time);
  const last = plan.slots.at(-1);
  const isEnd = place.slotKey === null && !plan.open && last?.kind === "chunk";
  return isEnd ? { slotKey: last.key, offset: last.duration } : place;
}

export function placeOfScene(plan: PlaybackPlan, sceneId: string): Place | undefined {
  const slot = plan.slots.find((candidate) => candidate.sceneId === sceneId);
  return slot && { slotKey: slot.key, offset: 0 };
}

export function timeOf(plan: PlaybackPlan, place: Place): number {
  const slot = slotOf(plan, place);
  return slot ? slot.start + Math.min(place.offset, slot.duration) : plan.duration;
}

/** Where the same viewer is after the plan changed. */
export function movePlace(before: PlaybackPlan, after: PlaybackPlan, place: Place): Place {
  if (place.slotKey === null) {
    if (place.after === undefined) return startPlace(after);
    return slotOf(after, { slotKey: place.after, offset: 0 })
      ? placeAfter(after, place.after)
      : behindSurvivor(before, after, place.after);
  }
  if (slotOf(after, place)) return place;
  const slot = slotOf(before, place);
  if (!slot) return startPlace(after);
  // A gap that was filled: the scene the viewer waits for is here.
  const sameScene = placeOfScene(after, slot.sceneId);
  if (sameScene) return sameScene;
  return behindSurvivor(before, after, place.slotKey);
}

/** The slot vanished (its scene failed): go on behind the nearest slot before it that still exists. */
function behindSurvivor(before: PlaybackPlan, after: PlaybackPlan, key: string): Place {
  const index = before.slots.findIndex((slot) => slot.key === key);
  for (let i = index - 1; i >= 0; i--) {
    const survivor = before.slots[i]!;
    const inNewPlan = after.slots.findLast((slot) => slot.sceneId === survivor.sceneId);
    if (inNewPlan) return placeAfter(after, inNewPlan.key);
  }
  return startPlace(after);
}

/** The same moment in another version of a chunk: the same second, unless the new one is too short for it. */
export function sameMoment(offset: number, oldDuration: number, newDuration: number): number {
  if (offset < newDuration || oldDuration === 0) return offset;
  return (offset / oldDuration) * newDuration;
}
