import type { TimelineAsset } from "../../../contract/playback.ts";

/** Names of HTMLMediaElement events, and `statechange` for everything a data attribute shows. */
export type EngineEvent =
  | "play"
  | "playing"
  | "pause"
  | "waiting"
  | "seeking"
  | "seeked"
  | "timeupdate"
  | "progress"
  | "durationchange"
  | "loadedmetadata"
  | "ended"
  | "error"
  | "resize"
  | "statechange";

export interface EngineListener {
  onEvent(event: EngineEvent): void;
  /** The media itself says how long it is. */
  onMeasured(asset: TimelineAsset, seconds: number): void;
}
