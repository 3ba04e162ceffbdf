/**
 * Plays a plan over two media elements: while one is seen and heard, the other already holds the next chunk's first
 * frame, and at the joint they change places. Owns the intention to play and listens to the elements. Knows nothing of
 * sessions, React or signed URLs; the plan comes from outside and may change at any moment.
 */
import { MediaFailure, type ChunkSource } from "./chunk-source.ts";
import type { EngineEvent, EngineListener } from "./engine-events.ts";
import { readyStateOf, stateOf, type PlaybackState } from "./engine-phase.ts";
import { JointPredictor } from "./joint-predictor.ts";
import type { MediaBuffer } from "./media-buffer.ts";
import { MediaPair } from "./media-pair.ts";
import {
  placeOfScene,
  seekTarget,
  slotOf,
  startPlace,
  timeOf,
  type PlaybackPlan,
  type Slot,
} from "./playback-plan.ts";
import { Playhead } from "./playhead.ts";
import { Recovery } from "./recovery.ts";

export class PlaybackEngine {
  readonly #pair: MediaPair;
  readonly #playhead: Playhead;
  readonly #predictor: JointPredictor;
  readonly #recovery = new Recovery();
  readonly #listener: EngineListener;
  #wantsPlay = false;

  constructor(videos: [HTMLVideoElement, HTMLVideoElement], listener: EngineListener) {
    const isWanted = (): boolean => this.#wantsPlay;
    this.#pair = new MediaPair(videos);
    this.#listener = listener;
    this.#playhead = new Playhead(this.#pair, {
      get wantsPlay() {
        return isWanted();
      },
      onShown: () => {
        if (this.#wantsPlay) void this.#startFront();
      },
      onLeave: () => this.#predictor.disarm(),
      onEnd: () => (this.#wantsPlay = false),
      emit: (event) => this.#emit(event),
    });
    this.#predictor = new JointPredictor(() => this.video, {
      onApproach: () => {
        if (this.#isNextReady()) this.#pair.startBack((seconds) => this.#predictor.learn(seconds));
      },
      // Otherwise the last frame stays until the element itself says it ended.
      onEnd: () => {
        if (this.#isNextReady()) this.#playhead.passJoint();
      },
    });
    for (const buffer of [this.#pair.front, this.#pair.back]) this.#listen(buffer);
  }

  set source(source: ChunkSource) {
    this.#pair.source = source;
  }

  get video(): HTMLVideoElement {
    return this.#pair.front.video;
  }

  get plan(): PlaybackPlan {
    return this.#playhead.plan;
  }

  get paused(): boolean {
    return !this.#wantsPlay;
  }

  get ended(): boolean {
    return this.#playhead.phase.kind === "ended";
  }

  get failure(): MediaFailure | null {
    const { phase } = this.#playhead;
    return phase.kind === "error" ? phase.failure : null;
  }

  get state(): PlaybackState {
    return stateOf(this.#playhead.phase, this.#wantsPlay);
  }

  get slot(): Slot | undefined {
    return this.#playhead.slot;
  }

  get currentTime(): number {
    return this.#playhead.time;
  }

  get seeking(): boolean {
    return this.#playhead.phase.kind === "moving" || this.video.seeking;
  }

  get readyState(): number {
    return readyStateOf(this.#playhead.phase, this.plan, this.video);
  }

  bufferedRanges(): [number, number][] {
    return this.#pair.bufferedRanges(this.plan);
  }

  setPlan(plan: PlaybackPlan): void {
    const before = this.plan;
    this.#playhead.setPlan(plan);
    if (before.duration !== plan.duration) this.#emit("durationchange");
    if (before.slots.length === 0 && plan.slots.length > 0) this.#emit("loadedmetadata");
    this.#emit("statechange");
  }

  async play(): Promise<void> {
    const wasPaused = !this.#wantsPlay;
    this.#wantsPlay = true;
    if (wasPaused) this.#emit("play");
    switch (this.#playhead.phase.kind) {
      case "ended":
        await this.#playhead.moveTo(startPlace(this.plan));
        break;
      case "showing":
        await this.#startFront();
        break;
      case "error":
        this.retry();
        break;
      default:
        this.#emit("waiting");
    }
    this.#emit("statechange");
  }

  pause(): void {
    if (!this.#wantsPlay) return;
    this.#wantsPlay = false;
    this.#predictor.disarm();
    this.#pair.pause();
    this.#emit("pause");
    this.#emit("statechange");
  }

  seek(time: number): void {
    this.#recovery.forget();
    this.#emit("seeking");
    void this.#playhead.moveTo(seekTarget(this.plan, time));
    this.#emit("timeupdate");
    this.#emit("statechange");
  }

  seekToScene(sceneId: string, offset = 0): void {
    const place = placeOfScene(this.plan, sceneId);
    if (place) this.seek(timeOf(this.plan, place) + offset);
  }

  /** A person asks for another attempt after an error. */
  retry(): void {
    const { phase } = this.#playhead;
    if (phase.kind !== "error") return;
    const slot = slotOf(this.plan, phase.place);
    if (slot?.kind === "chunk") this.#pair.source?.invalidate(slot.asset.assetId);
    this.#recovery.forget();
    void this.#playhead.moveTo(phase.place);
    this.#emit("statechange");
  }

  /** A fresh URL exists. Media that is still coming in over the old one is loaded again and takes over in place. */
  renew(assetId: string): void {
    if (this.#pair.source?.isLocal(assetId)) return;
    const { front, back } = this.#pair;
    if (back.isReady(assetId) && !back.isFullyBuffered()) {
      back.unload();
      this.#playhead.loadNext();
    }
    if (this.#playhead.isShowing && front.isReady(assetId) && !front.isFullyBuffered()) {
      front.markFailed();
      void this.#playhead.moveTo(this.#playhead.place, { keepPlaying: true });
    }
  }

  reset(): void {
    this.#wantsPlay = false;
    this.#playhead.reset();
  }

  async #startFront(): Promise<void> {
    const { video } = this;
    try {
      await video.play();
    } catch (error) {
      // AbortError: a pause or another chunk came first. Anything about the media arrives as an error event.
      if (error instanceof DOMException && error.name === "NotAllowedError" && video === this.video) {
        this.pause();
        throw error;
      }
    }
  }

  /** Somebody is playing towards a joint that can be passed without a stop. */
  #isNextReady(): boolean {
    const { next } = this.#playhead;
    return this.#wantsPlay && next !== undefined && this.#pair.back.isReady(next.asset.assetId);
  }

  #listen(buffer: MediaBuffer): void {
    const { video } = buffer;
    const on = (type: string, handle: () => void) => video.addEventListener(type, handle);
    const onFront = (type: string, handle: () => void) =>
      on(type, () => {
        if (buffer === this.#pair.front && this.#playhead.isShowing) handle();
      });
    on("durationchange", () => {
      if (buffer.asset && Number.isFinite(video.duration)) {
        this.#listener.onMeasured(buffer.asset, video.duration);
      }
    });
    on("progress", () => this.#emit("progress"));
    on("loadeddata", () => this.#emit("progress"));
    for (const type of ["waiting", "seeked", "resize"] as const) onFront(type, () => this.#emit(type));
    onFront("playing", () => {
      this.#emit("playing");
      this.#playhead.loadNext();
    });
    onFront("timeupdate", () => {
      this.#emit("timeupdate");
      this.#predictor.watch();
    });
    // The browser itself may pause and resume: media keys, picture-in-picture, a headset unplugged.
    onFront("pause", () => {
      if (!video.ended && video.paused) this.pause();
    });
    onFront("play", () => {
      if (!this.#wantsPlay && !video.paused) void this.play();
    });
    onFront("ended", () => this.#playhead.passJoint());
    onFront("error", () => this.#recover(buffer));
  }

  /** The chunk broke off while it was being watched: once, quietly, with a fresh URL and at the same place. */
  #recover(buffer: MediaBuffer): void {
    const { asset } = buffer;
    if (!asset) return;
    const { place } = this.#playhead;
    buffer.markFailed();
    if (!this.#recovery.mayRetry(asset.assetId, place.offset)) {
      this.#playhead.fail(place, new MediaFailure("STORAGE_UNREACHABLE", { cause: buffer.video.error }));
      return;
    }
    this.#pair.source?.invalidate(asset.assetId);
    void this.#playhead.moveTo(place);
  }

  #emit(event: EngineEvent): void {
    this.#listener.onEvent(event);
  }
}
