/** The reel's state as a snapshot a page can subscribe to. Reads it back from the element, assumes nothing. */
import type { MediaFailure } from "./chunk-source.ts";
import type { PlaybackState } from "./engine-phase.ts";
import { EMPTY_PLAN, type PlaybackPlan } from "./playback-plan.ts";
import type { ReelVideoElement } from "./reel-video.ts";

export interface ReelView {
  state: PlaybackState;
  paused: boolean;
  /** Playback has been asked for at least once. */
  started: boolean;
  sceneId: string | undefined;
  plan: PlaybackPlan;
  failure: MediaFailure | null;
  buffered: ReadonlySet<string>;
}

const NOTHING: ReelView = {
  state: "waiting",
  paused: true,
  started: false,
  sceneId: undefined,
  plan: EMPTY_PLAN,
  failure: null,
  buffered: new Set(),
};

export class ReelViewStore {
  readonly #reel: ReelVideoElement | null;
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  #view = NOTHING;

  constructor(reel: ReelVideoElement | null) {
    this.#reel = reel;
    for (const type of ["statechange", "progress", "durationchange", "play", "pause", "error"]) {
      reel?.addEventListener(type, this.refresh, { signal: this.#stop.signal });
    }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly get = (): ReelView => this.#view;

  readonly refresh = (): void => {
    const reel = this.#reel;
    if (!reel) return;
    const buffered = reel.bufferedScenes;
    const next: ReelView = {
      state: reel.state,
      paused: reel.paused,
      started: this.#view.started || !reel.paused,
      sceneId: reel.currentSlot?.sceneId,
      plan: reel.plan,
      failure: reel.error,
      buffered: sameMembers(buffered, this.#view.buffered) ? this.#view.buffered : buffered,
    };
    if (isSame(next, this.#view)) return;
    this.#view = next;
    for (const listener of this.#listeners) listener();
  };

  dispose(): void {
    this.#stop.abort();
  }
}

function sameMembers(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((member) => b.has(member));
}

function isSame(a: ReelView, b: ReelView): boolean {
  return (Object.keys(a) as (keyof ReelView)[]).every((key) => a[key] === b[key]);
}
