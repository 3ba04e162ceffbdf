import type { PlaybackPlan } from "./playback-plan.ts";

/** `TimeRanges` for a reel put together from several media elements; the browser's own cannot be constructed. */
export class ReelTimeRanges implements TimeRanges {
  readonly #ranges: [number, number][];

  /** Ranges may overlap and come in any order; joints closer than `tolerance` seconds count as continuous. */
  constructor(ranges: [number, number][], tolerance = 0.1) {
    const merged: [number, number][] = [];
    for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
      const last = merged.at(-1);
      if (last && start <= last[1] + tolerance) last[1] = Math.max(last[1], end);
      else merged.push([start, end]);
    }
    this.#ranges = merged;
  }

  get length(): number {
    return this.#ranges.length;
  }

  start(index: number): number {
    return this.#at(index)[0];
  }

  end(index: number): number {
    return this.#at(index)[1];
  }

  #at(index: number): [number, number] {
    const range = this.#ranges[index];
    if (!range) throw new RangeError(`there are ${this.length} ranges, no index ${index}`);
    return range;
  }
}

/** A scene's last moment is rarely reported to the frame. */
const EDGE_SECONDS = 0.25;

/** Scenes that lie within the ranges as a whole. */
export function wholeScenes(plan: PlaybackPlan, ranges: [number, number][]): Set<string> {
  const whole = new Map<string, boolean>();
  for (const slot of plan.slots) {
    const isCovered = ranges.some(
      ([start, end]) =>
        start <= slot.start + EDGE_SECONDS && end >= slot.start + slot.duration - EDGE_SECONDS,
    );
    whole.set(slot.sceneId, isCovered && (whole.get(slot.sceneId) ?? true));
  }
  return new Set([...whole].flatMap(([sceneId, isWhole]) => (isWhole ? [sceneId] : [])));
}
