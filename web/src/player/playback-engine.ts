/**
 * Plays a plan over two media elements: while one is seen and heard, the other already holds the next chunk's first
 * frame, and at the joint they change places. Owns the elements, the viewer's place and the intention to play. Knows
 * nothing of sessions, React or signed URLs; the plan comes from outside and may change at any moment.
 */
import type { TimelineAsset } from "../../../contract/playback.ts";
import { MediaFailure, type ChunkSource } from "./chunk-source.ts";
import { JointPredictor } from "./joint-predictor.ts";
import { MediaBuffer } from "./media-buffer.ts";
import {
  EMPTY_PLAN,
  endPlace,
  movePlace,
  placeAfter,
  placeAt,
  placeOfScene,
  slotAfter,
  slotOf,
  startPlace,
  timeOf,
  type ChunkSlot,
  type Place,
  type PlaybackPlan,
  type Slot,
} from "./playback-plan.ts";

type Phase =
  /** The front element shows this slot. */
  | { kind: "showing"; slotKey: string }
  /** The back element loads the place to go to. */
  | { kind: "moving"; place: Place }
  /** Nothing to play here yet. */
  | { kind: "waiting"; place: Place }
  | { kind: "ended" }
  | { kind: "error"; place: Place; failure: MediaFailure };

export type PlaybackState = "idle" | "playing" | "waiting" | "ended" | "error";

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

/** A chunk waiting behind the joint may have been started a moment early. */
const AT_START = 0.25;

/** About what it takes to seek in media that is here. */
const RESEEK_SECONDS = 0.05;

/** Progress after which a recovered chunk counts as healthy again. */
const HEALTHY_AFTER_SECONDS = 1;

export class PlaybackEngine {
  #front: MediaBuffer;
  #back: MediaBuffer;
  #plan: PlaybackPlan = EMPTY_PLAN;
  #phase: Phase = { kind: "waiting", place: startPlace(EMPTY_PLAN) };
  #wantsPlay = false;
  #source: ChunkSource | undefined;
  /** Bumped by every move, so that an overtaken one notices. */
  #moves = 0;
  #recovered: { assetId: string; offset: number } | undefined;
  readonly #listener: EngineListener;
  readonly #predictor: JointPredictor;

  constructor(videos: [HTMLVideoElement, HTMLVideoElement], listener: EngineListener) {
    this.#front = new MediaBuffer(videos[0]);
    this.#back = new MediaBuffer(videos[1]);
    this.#listener = listener;
    this.#predictor = new JointPredictor(() => this.#front.video, {
      onApproach: () => this.#startEarly(),
      onEnd: () => this.#passJointEarly(),
    });
    for (const buffer of [this.#front, this.#back]) this.#listen(buffer);
    this.#front.video.dataset["front"] = "";
  }

  set source(source: ChunkSource) {
    this.#source = source;
  }

  get video(): HTMLVideoElement {
    return this.#front.video;
  }

  get plan(): PlaybackPlan {
    return this.#plan;
  }

  get paused(): boolean {
    return !this.#wantsPlay;
  }

  get ended(): boolean {
    return this.#phase.kind === "ended";
  }

  get failure(): MediaFailure | null {
    return this.#phase.kind === "error" ? this.#phase.failure : null;
  }

  get state(): PlaybackState {
    switch (this.#phase.kind) {
      case "showing":
      case "moving":
        return this.#wantsPlay ? "playing" : "idle";
      default:
        return this.#phase.kind;
    }
  }

  get place(): Place {
    const phase = this.#phase;
    switch (phase.kind) {
      case "showing":
        return { slotKey: phase.slotKey, offset: this.#front.video.currentTime };
      case "ended":
        return endPlace(this.#plan);
      default:
        return phase.place;
    }
  }

  get slot(): Slot | undefined {
    return slotOf(this.#plan, this.place);
  }

  get currentTime(): number {
    return timeOf(this.#plan, this.place);
  }

  get seeking(): boolean {
    return this.#phase.kind === "moving" || this.#front.video.seeking;
  }

  get readyState(): number {
    switch (this.#phase.kind) {
      case "showing":
        return this.#front.video.readyState;
      case "ended":
        return HTMLMediaElement.HAVE_CURRENT_DATA;
      default:
        return this.#plan.duration > 0 ? HTMLMediaElement.HAVE_METADATA : HTMLMediaElement.HAVE_NOTHING;
    }
  }

  bufferedRanges(): [number, number][] {
    return this.#plan.slots.flatMap((slot) => {
      if (slot.kind === "gap") return [];
      const end = slot.start + slot.duration;
      if (this.#source?.isLocal(slot.asset.assetId)) return [[slot.start, end] as [number, number]];
      const buffer = this.#bufferOf(slot.asset.assetId);
      if (!buffer) return [];
      if (buffer.isFullyBuffered()) return [[slot.start, end] as [number, number]];
      return buffer
        .bufferedRanges()
        .map(([from, to]): [number, number] => [slot.start + from, Math.min(slot.start + to, end)]);
    });
  }

  setPlan(plan: PlaybackPlan): void {
    const before = this.#plan;
    const place = movePlace(before, plan, this.place);
    const wasAt = this.slot;
    this.#plan = plan;
    this.#follow(place, wasAt);
    if (before.duration !== plan.duration) this.#emit("durationchange");
    if (before.slots.length === 0 && plan.slots.length > 0) this.#emit("loadedmetadata");
    this.#emit("statechange");
  }

  /** The plan changed under the viewer: stay where they are, go on where there was nothing, take a newer version. */
  #follow(place: Place, wasAt: Slot | undefined): void {
    const slot = slotOf(this.#plan, place);
    const phase = this.#phase;
    if (phase.kind === "ended" && !this.#plan.open) return;
    if (slot?.kind === "chunk" && wasAt?.kind === "chunk" && slot.key === wasAt.key) {
      if (slot.asset.assetId === wasAt.asset.assetId) {
        if (phase.kind === "showing") this.#loadNext();
        return;
      }
      const offset = sameMoment(place.offset, wasAt.duration, slot.duration);
      void this.#moveTo({ slotKey: slot.key, offset }, { keepPlaying: true });
      return;
    }
    if (phase.kind === "waiting" && slot?.kind !== "chunk") {
      this.#rest(place);
      return;
    }
    void this.#moveTo(place);
  }

  async play(): Promise<void> {
    const wasPaused = !this.#wantsPlay;
    this.#wantsPlay = true;
    if (wasPaused) this.#emit("play");
    const phase = this.#phase;
    if (phase.kind === "ended") await this.#moveTo(startPlace(this.#plan));
    else if (phase.kind === "showing") await this.#startFront();
    else if (phase.kind === "error") this.retry();
    else this.#emit("waiting");
    this.#emit("statechange");
  }

  pause(): void {
    if (!this.#wantsPlay) return;
    this.#wantsPlay = false;
    this.#predictor.disarm();
    this.#front.video.pause();
    this.#back.video.pause();
    this.#emit("pause");
    this.#emit("statechange");
  }

  seek(time: number): void {
    const place = placeAt(this.#plan, time);
    const last = this.#plan.slots.at(-1);
    // The end of a finished reel is its last frame, not nothing.
    const isEnd = place.slotKey === null && !this.#plan.open && last?.kind === "chunk";
    this.#seekTo(isEnd ? { slotKey: last.key, offset: last.duration } : place);
  }

  seekToScene(sceneId: string, offset = 0): void {
    const place = placeOfScene(this.#plan, sceneId);
    if (place) this.seek(timeOf(this.#plan, place) + offset);
  }

  #seekTo(place: Place): void {
    this.#recovered = undefined;
    this.#emit("seeking");
    void this.#moveTo(place);
    this.#emit("timeupdate");
    this.#emit("statechange");
  }

  /** A person asks for another attempt after an error. */
  retry(): void {
    const phase = this.#phase;
    if (phase.kind !== "error") return;
    const slot = slotOf(this.#plan, phase.place);
    if (slot?.kind === "chunk") this.#source?.invalidate(slot.asset.assetId);
    this.#recovered = undefined;
    void this.#moveTo(phase.place);
    this.#emit("statechange");
  }

  /** A fresh URL exists. Media that is still coming in over the old one is loaded again and takes over in place. */
  renew(assetId: string): void {
    if (this.#source?.isLocal(assetId)) return;
    if (this.#back.isReady(assetId) && !this.#back.isFullyBuffered()) {
      this.#back.unload();
      this.#loadNext();
    }
    if (this.#phase.kind === "showing" && this.#front.isReady(assetId) && !this.#front.isFullyBuffered()) {
      this.#front.markFailed();
      void this.#moveTo(this.place, { keepPlaying: true });
    }
  }

  reset(): void {
    this.#moves += 1;
    this.#wantsPlay = false;
    this.#plan = EMPTY_PLAN;
    this.#phase = { kind: "waiting", place: startPlace(EMPTY_PLAN) };
    this.#predictor.disarm();
    this.#front.unload();
    this.#back.unload();
  }

  async #moveTo(place: Place, { keepPlaying = false } = {}): Promise<void> {
    const move = ++this.#moves;
    this.#predictor.disarm();
    const slot = slotOf(this.#plan, place);
    if (slot?.kind !== "chunk") {
      this.#rest(place);
      return;
    }
    const { asset } = slot;
    if (this.#front.isReady(asset.assetId)) {
      this.#phase = { kind: "showing", slotKey: slot.key };
      this.#calmBack();
      this.#front.seek(place.offset);
      if (this.#wantsPlay) void this.#startFront();
      this.#loadNext();
      return;
    }
    if (place.offset === 0 && this.#back.isReady(asset.assetId) && this.#back.video.currentTime < AT_START) {
      this.#changeOver(slot);
      return;
    }
    const leftAt = this.#front.video.currentTime;
    this.#phase = { kind: "moving", place };
    this.#calmBack();
    if (!keepPlaying) this.#front.video.pause();
    this.#emit("waiting");
    this.#emit("statechange");
    try {
      let loaded = await this.#loadBack(asset, place.offset);
      if (loaded && keepPlaying && !this.#front.video.paused) {
        // What is seen has gone on meanwhile; the change must not throw the viewer back.
        const gone = this.#front.video.currentTime - leftAt;
        loaded = await this.#loadBack(asset, place.offset + gone + RESEEK_SECONDS);
      }
      if (loaded && move === this.#moves) this.#changeOver(slot);
    } catch (error) {
      if (move === this.#moves) this.#fail(place, error);
    }
  }

  /** One attempt, and one more with a fresh URL. */
  async #loadBack(asset: TimelineAsset, offset: number): Promise<boolean> {
    const source = this.#source;
    if (!source) return false;
    try {
      return await this.#back.load(asset, offset, source);
    } catch {
      source.invalidate(asset.assetId);
      return await this.#back.load(asset, offset, source);
    }
  }

  #changeOver(slot: ChunkSlot): void {
    const old = this.#front;
    this.#front = this.#back;
    this.#back = old;
    this.#phase = { kind: "showing", slotKey: slot.key };
    if (this.#wantsPlay) void this.#startFront();
    this.#front.video.dataset["front"] = "";
    delete old.video.dataset["front"];
    old.video.pause();
    this.#emit("timeupdate");
    this.#emit("seeked");
    this.#emit("resize");
    this.#emit("statechange");
    const runs =
      !this.#front.video.paused && this.#front.video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
    if (this.#wantsPlay && !runs) return;
    // Started early, its own `playing` event came while it was still behind.
    if (this.#wantsPlay) this.#emit("playing");
    this.#loadNext();
  }

  /** The joint it was started early for does not happen. */
  #calmBack(): void {
    if (this.#back.video.paused) return;
    this.#back.video.pause();
    this.#back.seek(0);
  }

  async #startFront(): Promise<void> {
    const { video } = this.#front;
    try {
      await video.play();
    } catch (error) {
      // AbortError: a pause or another chunk came first. Anything about the media arrives as an error event.
      if (error instanceof DOMException && error.name === "NotAllowedError" && video === this.#front.video) {
        this.pause();
        throw error;
      }
    }
  }

  /** Called a moment before the joint: the next chunk's decoder needs some milliseconds to get going. */
  #startEarly(): void {
    if (this.#phase.kind !== "showing" || !this.#wantsPlay) return;
    const next = slotAfter(this.#plan, this.#phase.slotKey);
    if (next?.kind !== "chunk" || !this.#back.isReady(next.asset.assetId)) return;
    const { video } = this.#back;
    const asked = performance.now();
    video.play().catch(() => {
      // The joint itself starts it again and deals with the refusal.
    });
    this.#onMoving(video, (now, mediaTime) =>
      this.#predictor.learn((now - asked) / 1000 - mediaTime / video.playbackRate),
    );
  }

  #onMoving(video: HTMLVideoElement, handle: (now: number, mediaTime: number) => void): void {
    if (!("requestVideoFrameCallback" in video)) return;
    video.requestVideoFrameCallback((now, { mediaTime }) => {
      if (mediaTime > 0 && !video.paused) handle(now, mediaTime);
      else if (!video.paused) this.#onMoving(video, handle);
    });
  }

  #rest(place: Place): void {
    this.#front.video.pause();
    if (place.slotKey === null && !this.#plan.open) {
      this.#wantsPlay = false;
      this.#phase = { kind: "ended" };
      this.#emit("pause");
      this.#emit("timeupdate");
      this.#emit("ended");
    } else {
      this.#phase = { kind: "waiting", place };
      this.#emit("timeupdate");
      this.#emit("waiting");
    }
    this.#emit("statechange");
  }

  #fail(place: Place, error: unknown): void {
    const failure =
      error instanceof MediaFailure ? error : new MediaFailure("URL_UNAVAILABLE", { cause: error });
    this.#front.video.pause();
    this.#phase = { kind: "error", place, failure };
    this.#emit("error");
    this.#emit("statechange");
  }

  #loadNext(): void {
    if (this.#phase.kind !== "showing" || !this.#source) return;
    const next = slotAfter(this.#plan, this.#phase.slotKey);
    if (next?.kind !== "chunk" || this.#back.isReady(next.asset.assetId)) return;
    // A failure is not the viewer's business yet: the joint tries again, with a retry of its own.
    this.#loadBack(next.asset, 0).catch(() => this.#back.unload());
  }

  #bufferOf(assetId: string): MediaBuffer | undefined {
    return [this.#front, this.#back].find((buffer) => buffer.isReady(assetId));
  }

  #listen(buffer: MediaBuffer): void {
    const { video } = buffer;
    const on = (type: string, handle: () => void) => video.addEventListener(type, handle);
    const onFront = (type: string, handle: () => void) =>
      on(type, () => {
        if (buffer === this.#front && this.#phase.kind === "showing") handle();
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
      this.#loadNext();
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
    onFront("ended", () => this.#passJoint());
    onFront("error", () => this.#recover(buffer));
  }

  #passJoint(): void {
    if (this.#phase.kind !== "showing") return;
    void this.#moveTo(placeAfter(this.#plan, this.#phase.slotKey));
  }

  /** Only when the next chunk is there; otherwise the last frame stays until the element itself says it ended. */
  #passJointEarly(): void {
    if (this.#phase.kind !== "showing" || !this.#wantsPlay) return;
    const next = slotAfter(this.#plan, this.#phase.slotKey);
    if (next?.kind === "chunk" && this.#back.isReady(next.asset.assetId)) this.#passJoint();
  }

  /** The chunk broke off while it was being watched: once, quietly, with a fresh URL and at the same place. */
  #recover(buffer: MediaBuffer): void {
    const { asset } = buffer;
    if (!asset) return;
    const place = this.place;
    const again =
      this.#recovered?.assetId === asset.assetId &&
      place.offset - this.#recovered.offset < HEALTHY_AFTER_SECONDS;
    buffer.markFailed();
    if (again) {
      this.#fail(place, new MediaFailure("STORAGE_UNREACHABLE", { cause: buffer.video.error }));
      return;
    }
    this.#recovered = { assetId: asset.assetId, offset: place.offset };
    this.#source?.invalidate(asset.assetId);
    void this.#moveTo(place);
  }

  #emit(event: EngineEvent): void {
    this.#listener.onEvent(event);
  }
}

/** The same moment in another version of a chunk: the same second, unless the new one is too short for it. */
function sameMoment(offset: number, oldDuration: number, newDuration: number): number {
  if (offset < newDuration || oldDuration === 0) return offset;
  return (offset / oldDuration) * newDuration;
}
