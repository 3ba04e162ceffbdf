/**
 * Says when a chunk is about to end. `timeupdate` comes four times a second, far too coarse for a joint, so the last
 * half second is watched frame by frame.
 */
const WATCH_SECONDS = 0.5;

/**
 * From `play()` to the second frame a decoder that stands on its first one needs 20 to 100 ms, depending on the machine.
 * Too short a lead freezes the joint, too long a one skips frames, so it is learned from every joint.
 */
const FIRST_LEAD_SECONDS = 0.07;
const MIN_LEAD_SECONDS = 0.015;
const MAX_LEAD_SECONDS = 0.2;

/** The watch itself is only as fine as the display's frames. */
const FRAME_SECONDS = 1 / 60;

/** Closer than half a frame to its end a chunk has shown all it has; its `ended` event would come some frames later. */
const END_SECONDS = 0.012;

export interface JointListener {
  /** The next chunk should be set going. */
  onApproach(): void;
  onEnd(): void;
}

export class JointPredictor {
  readonly #video: () => HTMLVideoElement;
  readonly #listener: JointListener;
  #frame: number | undefined;
  #lead = FIRST_LEAD_SECONDS;

  constructor(video: () => HTMLVideoElement, listener: JointListener) {
    this.#video = video;
    this.#listener = listener;
  }

  watch(): void {
    if (this.#frame !== undefined || this.#secondsLeft() > WATCH_SECONDS) return;
    let approached = false;
    const check = (): void => {
      this.#frame = undefined;
      const left = this.#secondsLeft();
      if (left > WATCH_SECONDS || this.#video().paused) return;
      if (left <= this.#lead + FRAME_SECONDS && !approached) {
        approached = true;
        this.#listener.onApproach();
      }
      if (left <= END_SECONDS) this.#listener.onEnd();
      else this.#frame = requestAnimationFrame(check);
    };
    this.#frame = requestAnimationFrame(check);
  }

  /** How long the next chunk really took from `play()` to moving on. */
  learn(seconds: number): void {
    const bounded = Math.min(Math.max(seconds, MIN_LEAD_SECONDS), MAX_LEAD_SECONDS);
    this.#lead = (this.#lead + bounded) / 2;
  }

  disarm(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
  }

  #secondsLeft(): number {
    const { currentTime, duration, playbackRate } = this.#video();
    return (duration - currentTime) / playbackRate;
  }
}
