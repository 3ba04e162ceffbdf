/** Which chunks to bring in, the most urgent first: what comes next, then what lies behind, last what plays now. */
import type { TimelineAsset } from "../../../contract/playback.ts";
import type { ChunkSlot, PlaybackPlan } from "./playback-plan.ts";

export function prefetchOrder(plan: PlaybackPlan, currentKey: string | undefined): TimelineAsset[] {
  const here = Math.max(
    0,
    plan.slots.findIndex((slot) => slot.key === currentKey),
  );
  const chunks = (slots: PlaybackPlan["slots"]) =>
    slots.filter((slot): slot is ChunkSlot => slot.kind === "chunk").map((slot) => slot.asset);
  return [
    ...chunks(plan.slots.slice(here + 1)),
    ...chunks(plan.slots.slice(0, here)).reverse(),
    // The media element already fetches this one; a copy only serves a later return to it.
    ...chunks(plan.slots.slice(here, here + 1)),
  ];
}
