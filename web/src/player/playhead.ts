/**
 * The viewer's place on the plan, and the way to another one: what is in memory is shown at once, anything else is loaded
 * behind the picture first. Does not decide when to move, and does not know why somebody wants to play.
 */
import { MediaFailure } from "./chunk-source.ts";
import type { EngineEvent } from "./engine-events.ts";
import { placeOf, type Phase } from "./engine-phase.ts";
import type { MediaPair } from "./media-pair.ts";
import {
  EMPTY_PLAN,
  movePlace,
  placeAfter,
  sameMoment,
  slotAfter,
  slotOf,
  startPlace,
  timeOf,
  type ChunkSlot,
  type Place,
  type PlaybackPlan,
  type Slot,
} from "./playback-plan.ts";

export interface PlayheadHost {
  readonly wantsPlay: boolean;
  /** The front element shows what it should: play it, if that is wanted. */
  onShown(): void;
  /** What was expected of the place so far is off. */
  onLeave(): void;
  /** Nothing follows; called before the events that say so. */
  onEnd(): void;
  emit(event: EngineEvent): void;
}

/** About what it takes to seek in media that is here. */
const RESEEK_SECONDS = 0.05;

export class Playhead {
  readonly #pair: MediaPair;
  readonly #host: PlayheadHost;
  #plan: PlaybackPlan = EMPTY_PLAN;
  #phase: Phase = { kind: "waiting", place: startPlace(EMPTY_PLAN) };
  /** Bumped by every move, so that an overtaken one notices. */
  #moves = 0;

  constructor(pair: MediaPair, host: PlayheadHost) {
    this.#pair = pair;
    this.#host = host;
  }

  get plan(): PlaybackPlan {
    return this.#plan;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get place(): Place {
    return placeOf(this.#phase, this.#plan, this.#video);
  }

  get slot(): Slot | undefined {
    return slotOf(this.#plan, this.place);
  }

  get time(): number {
    return timeOf(this.#plan, this.place);
  }

  get isShowing(): boolean {
    return this.#phase.kind === "showing";
  }

  /** What follows what is seen, if it can be played. */
  get next(): ChunkSlot | undefined {
    if (this.#phase.kind !== "showing") return undefined;
    const next = slotAfter(this.#plan, this.#phase.slotKey);
    return next?.kind === "chunk" ? next : undefined;
  }

  get #video(): HTMLVideoElement {
    return this.#pair.front.video;
  }

  setPlan(plan: PlaybackPlan): void {
    const place = movePlace(this.#plan, plan, this.place);
    const wasAt = this.slot;
    this.#plan = plan;
    this.#follow(place, wasAt);
  }

  /** The plan changed under the viewer: stay where they are, go on where there was nothing, take a newer version. */
  #follow(place: Place, wasAt: Slot | undefined): void {
    const slot = slotOf(this.#plan, place);
    const phase = this.#phase;
    if (phase.kind === "ended" && !this.#plan.open) return;
    if (slot?.kind === "chunk" && wasAt?.kind === "chunk" && slot.key === wasAt.key) {
      if (slot.asset.assetId === wasAt.asset.assetId) {
        this.loadNext();
        return;
      }
      const offset = sameMoment(place.offset, wasAt.duration, slot.duration);
      void this.moveTo({ slotKey: slot.key, offset }, { keepPlaying: true });
      return;
    }
    if (phase.kind === "waiting" && slot?.kind !== "chunk") {
      this.#rest(place);
      return;
    }
    void this.moveTo(place);
  }

  /** `keepPlaying`: the same picture from elsewhere; what is seen goes on until the change. */
  async moveTo(place: Place, { keepPlaying = false } = {}): Promise<void> {
    const move = ++this.#moves;
    this.#host.onLeave();
    const slot = slotOf(this.#plan, place);
    if (slot?.kind !== "chunk") {
      this.#rest(place);
      return;
    }
    const { asset } = slot;
    if (this.#pair.front.isReady(asset.assetId)) {
      this.#phase = { kind: "showing", slotKey: slot.key };
      this.#pair.calmBack();
      this.#pair.front.seek(place.offset);
      this.#host.onShown();
      this.loadNext();
      return;
    }
    if (place.offset === 0 && this.#pair.isAtJoint(asset.assetId)) {
      this.#changeOver(slot);
      return;
    }
    const leftAt = this.#video.currentTime;
    this.#phase = { kind: "moving", place };
    this.#pair.calmBack();
    if (!keepPlaying) this.#video.pause();
    this.#emit("waiting", "statechange");
    try {
      let loaded = await this.#pair.loadBack(asset, place.offset);
      if (loaded && keepPlaying && !this.#video.paused) {
        // What is seen has gone on meanwhile; the change must not throw the viewer back.
        const gone = this.#video.currentTime - leftAt;
        loaded = await this.#pair.loadBack(asset, place.offset + gone + RESEEK_SECONDS);
      }
      if (loaded && move === this.#moves) this.#changeOver(slot);
    } catch (error) {
      if (move !== this.#moves) return;
      this.fail(
        place,
        error instanceof MediaFailure ? error : new MediaFailure("URL_UNAVAILABLE", { cause: error }),
      );
    }
  }

  #changeOver(slot: ChunkSlot): void {
    this.#pair.changePlaces();
    this.#phase = { kind: "showing", slotKey: slot.key };
    this.#host.onShown();
    this.#pair.back.video.pause();
    this.#emit("timeupdate", "seeked", "resize", "statechange");
    const runs = !this.#video.paused && this.#video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
    if (this.#host.wantsPlay && !runs) return;
    // Started early, its own `playing` event came while it was still behind.
    if (this.#host.wantsPlay) this.#emit("playing");
    this.loadNext();
  }

  passJoint(): void {
    if (this.#phase.kind !== "showing") return;
    void this.moveTo(placeAfter(this.#plan, this.#phase.slotKey));
  }

  loadNext(): void {
    const { next } = this;
    if (!next || !this.#pair.source || this.#pair.back.isReady(next.asset.assetId)) return;
    // A failure is not the viewer's business yet: the joint tries again, with a retry of its own.
    this.#pair.loadBack(next.asset, 0).catch(() => this.#pair.back.unload());
  }

  #rest(place: Place): void {
    this.#video.pause();
    if (place.slotKey === null && !this.#plan.open) {
      this.#phase = { kind: "ended" };
      this.#host.onEnd();
      this.#emit("pause", "timeupdate", "ended", "statechange");
    } else {
      this.#phase = { kind: "waiting", place };
      this.#emit("timeupdate", "waiting", "statechange");
    }
  }

  fail(place: Place, failure: MediaFailure): void {
    this.#video.pause();
    this.#phase = { kind: "error", place, failure };
    this.#emit("error", "statechange");
  }

  reset(): void {
    this.#moves += 1;
    this.#plan = EMPTY_PLAN;
    this.#phase = { kind: "waiting", place: startPlace(EMPTY_PLAN) };
    this.#host.onLeave();
    this.#pair.unload();
  }

  #emit(...events: EngineEvent[]): void {
    for (const event of events) this.#host.emit(event);
  }
}
