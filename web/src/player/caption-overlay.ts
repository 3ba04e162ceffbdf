/**
 * Shows the reel's captions over the picture. The browser's own rendering cannot be used: a native track follows one
 * media element's clock, and the reel runs over two. Does not load or parse anything.
 */
import { cuesAt, nextChange, type CaptionCue } from "./caption-cues.ts";

interface Clock {
  readonly currentTime: number;
  readonly paused: boolean;
  readonly playbackRate: number;
}

export class CaptionOverlay {
  readonly element: HTMLElement;
  #cues: readonly CaptionCue[] = [];
  #visible = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #shown = "";
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.element = document.createElement("div");
    this.element.part.add("captions");
  }

  set cues(cues: readonly CaptionCue[]) {
    this.#cues = cues;
    this.update();
  }

  set visible(visible: boolean) {
    this.#visible = visible;
    this.update();
  }

  /** To be called whenever the clock jumped, started, stopped or changed its rate. */
  update(): void {
    clearTimeout(this.#timer);
    const { currentTime, paused, playbackRate } = this.#clock;
    this.#show(this.#visible ? cuesAt(this.#cues, currentTime) : []);
    if (!this.#visible || paused) return;
    const next = nextChange(this.#cues, currentTime);
    if (next === undefined) return;
    const wait = ((next - currentTime) / playbackRate) * 1000;
    this.#timer = setTimeout(() => this.update(), Math.max(wait, 10));
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #show(cues: CaptionCue[]): void {
    const text = cues.map((cue) => cue.text).join("\n");
    if (text === this.#shown) return;
    this.#shown = text;
    this.element.replaceChildren(
      ...cues.map((cue) => {
        const line = document.createElement("span");
        line.part.add("cue");
        line.textContent = cue.text;
        return line;
      }),
    );
  }
}
