/**
 * The two media elements the player alternates between: one in front, seen and heard, one behind it that makes the next
 * chunk ready. Knows how to load, start and change them, never when; does not know the plan's order.
 */
import type { TimelineAsset } from "../../../contract/playback.ts";
import type { ChunkSource } from "./chunk-source.ts";
import { MediaBuffer } from "./media-buffer.ts";
import type { PlaybackPlan } from "./playback-plan.ts";

/** A chunk waiting behind the joint may have been started a moment early. */
const AT_START = 0.25;

export class MediaPair {
  source: ChunkSource | undefined;
  #front: MediaBuffer;
  #back: MediaBuffer;

  constructor([first, second]: [HTMLVideoElement, HTMLVideoElement]) {
    this.#front = new MediaBuffer(first);
    this.#back = new MediaBuffer(second);
    first.dataset["front"] = "";
  }

  get front(): MediaBuffer {
    return this.#front;
  }

  get back(): MediaBuffer {
    return this.#back;
  }

  /** The back element stands at its chunk's beginning, or a moment behind it. */
  isAtJoint(assetId: string): boolean {
    return this.#back.isReady(assetId) && this.#back.video.currentTime < AT_START;
  }

  /** One attempt, and one more with a fresh URL. */
  async loadBack(asset: TimelineAsset, offset: number): Promise<boolean> {
    const { source } = this;
    if (!source) return false;
    try {
      return await this.#back.load(asset, offset, source);
    } catch {
      source.invalidate(asset.assetId);
      return await this.#back.load(asset, offset, source);
    }
  }

  /** Starts the back element, unseen, and says how many seconds it took it to get going. */
  startBack(onMoving: (seconds: number) => void): void {
    const { video } = this.#back;
    const asked = performance.now();
    video.play().catch(() => {
      // The joint itself starts it again and deals with the refusal.
    });
    whenMoving(video, (now, mediaTime) => onMoving((now - asked) / 1000 - mediaTime / video.playbackRate));
  }

  /** The joint the back element was started for does not happen. */
  calmBack(): void {
    if (this.#back.video.paused) return;
    this.#back.video.pause();
    this.#back.seek(0);
  }

  changePlaces(): void {
    [this.#front, this.#back] = [this.#back, this.#front];
    this.#front.video.dataset["front"] = "";
    delete this.#back.video.dataset["front"];
  }

  pause(): void {
    this.#front.video.pause();
    this.#back.video.pause();
  }

  unload(): void {
    this.#front.unload();
    this.#back.unload();
  }

  /** What of the reel is on this machine, in seconds of the reel. */
  bufferedRanges(plan: PlaybackPlan): [number, number][] {
    return plan.slots.flatMap((slot) => {
      if (slot.kind === "gap") return [];
      const { assetId } = slot.asset;
      const end = slot.start + slot.duration;
      const buffer = [this.#front, this.#back].find((candidate) => candidate.isReady(assetId));
      if (this.source?.isLocal(assetId) || buffer?.isFullyBuffered()) {
        return [[slot.start, end] as [number, number]];
      }
      const ranges = buffer?.bufferedRanges() ?? [];
      return ranges.map(([from, to]): [number, number] => [
        slot.start + from,
        Math.min(slot.start + to, end),
      ]);
    });
  }
}

function whenMoving(video: HTMLVideoElement, handle: (now: number, mediaTime: number) => void): void {
  if (!("requestVideoFrameCallback" in video)) return;
  video.requestVideoFrameCallback((now, { mediaTime }) => {
    if (mediaTime > 0 && !video.paused) handle(now, mediaTime);
    else if (!video.paused) whenMoving(video, handle);
  });
}
