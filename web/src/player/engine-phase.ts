/** What the engine is in the middle of, and what a media element in the same situation would answer. Pure. */
import type { MediaFailure } from "./chunk-source.ts";
import { endPlace, type Place, type PlaybackPlan } from "./playback-plan.ts";

export type Phase =
  /** The front element shows this slot. */
  | { kind: "showing"; slotKey: string }
  /** The back element loads the place to go to. */
  | { kind: "moving"; place: Place }
  /** Nothing to play here yet. */
  | { kind: "waiting"; place: Place }
  | { kind: "ended" }
  | { kind: "error"; place: Place; failure: MediaFailure };

export type PlaybackState = "idle" | "playing" | "waiting" | "ended" | "error";

export function stateOf(phase: Phase, wantsPlay: boolean): PlaybackState {
  switch (phase.kind) {
    case "showing":
    case "moving":
      return wantsPlay ? "playing" : "idle";
    default:
      return phase.kind;
  }
}

/** `front`: the element that is seen. */
export function placeOf(phase: Phase, plan: PlaybackPlan, front: HTMLVideoElement): Place {
  switch (phase.kind) {
    case "showing":
      return { slotKey: phase.slotKey, offset: front.currentTime };
    case "ended":
      return endPlace(plan);
    default:
      return phase.place;
  }
}

export function readyStateOf(phase: Phase, plan: PlaybackPlan, front: HTMLVideoElement): number {
  switch (phase.kind) {
    case "showing":
      return front.readyState;
    case "ended":
      return HTMLMediaElement.HAVE_CURRENT_DATA;
    default:
      return plan.duration > 0 ? HTMLMediaElement.HAVE_METADATA : HTMLMediaElement.HAVE_NOTHING;
  }
}
