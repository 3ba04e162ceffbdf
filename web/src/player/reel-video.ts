/**
 * `<reel-video>`: a whole session behind the interface of one media element, so that ready-made controls can drive it.
 * `connect` it to a source and `show` it the timeline, again at every change; it keeps playing through joints, gaps and re-renders.
 *
 * Beyond HTMLMediaElement it fires `statechange` (any data attribute changed) and `sceneupdate` (a SceneUpdate in
 * `detail`), and shows its state as data-state, data-scene-index, data-scene-id, data-item-key and data-version.
 */
import { CaptionOverlay } from "./caption-overlay.ts";
import { shiftToReel, type CaptionCue } from "./caption-cues.ts";
import type { ChunkSource } from "./chunk-source.ts";
import type { EngineEvent } from "./engine-events.ts";
import type { PlaybackState } from "./engine-phase.ts";
import { PlaybackEngine } from "./playback-engine.ts";
import { buildPlan, type Reel, type Slot } from "./playback-plan.ts";
import { ReelMediaElement } from "./reel-media-element.ts";
import { createStyle, createVideo } from "./reel-shadow.ts";
import { wholeScenes } from "./reel-time-ranges.ts";
import { reelTracks } from "./reel-tracks.ts";
import { holdBack, type SceneUpdate } from "./scene-updates.ts";
import type { TimelineAsset, TimelineScene } from "../../../contract/playback.ts";

/** Events of the inner elements that mean the same on the reel. */
const PASSED_ON = ["volumechange", "ratechange", "enterpictureinpicture", "leavepictureinpicture"];

export class ReelVideoElement extends ReelMediaElement {
  protected readonly videos: [HTMLVideoElement, HTMLVideoElement] = [createVideo(), createVideo()];
  protected readonly tracks = reelTracks(() => this.#syncCaptions());
  protected readonly engine = new PlaybackEngine(this.videos, {
    onEvent: (event) => this.#onEngineEvent(event),
    onMeasured: (asset, seconds) => this.#onMeasured(asset, seconds),
  });
  readonly #overlay = new CaptionOverlay(this);
  readonly #measured = new Map<string, number>();
  readonly #announced = new Set<string>();
  #latest: Reel = { status: "live", scenes: [] };
  #shown: TimelineScene[] = [];
  #cues: ReadonlyMap<string, readonly CaptionCue[]> = new Map();
  /** The scene that was under the playhead last. */
  #watched: string | undefined;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).append(createStyle(), ...this.videos, this.#overlay.element);
    for (const video of this.videos) {
      for (const type of PASSED_ON) {
        video.addEventListener(type, () => {
          if (video === this.activeVideo) this.dispatchEvent(new Event(type));
        });
      }
    }
  }

  connectedCallback(): void {
    this.#showState();
  }

  /** Lets go of media, timers and URLs; `show` brings it back to life. */
  reset(): void {
    this.#overlay.dispose();
    this.engine.reset();
    this.#latest = { status: "live", scenes: [] };
    this.#shown = [];
    this.#announced.clear();
  }

  /** Where media comes from. */
  connect(source: ChunkSource): void {
    this.engine.source = source;
  }

  /** The session as it is now; to be called again at every change. */
  show(timeline: Reel): void {
    this.#latest = timeline;
    this.#reconcile(this.#watching());
  }

  /** What plays, re-renders that are held back aside. */
  get shownScenes(): readonly TimelineScene[] {
    return this.#shown;
  }

  /** Shows the newer version of the scene being watched, at the same moment of it. */
  takeUpdate(): void {
    this.#reconcile(undefined);
  }

  showCaptions(cuesByScene: ReadonlyMap<string, readonly CaptionCue[]>): void {
    this.#cues = cuesByScene;
    this.#syncCaptions();
  }

  get state(): PlaybackState {
    return this.engine.state;
  }

  get currentSlot(): Slot | undefined {
    return this.engine.slot;
  }

  /** Seconds into the scene under the playhead. */
  get sceneTime(): number {
    const span = this.plan.spans.find((candidate) => candidate.sceneId === this.currentSlot?.sceneId);
    return span ? this.currentTime - span.start : 0;
  }

  seekToScene(sceneId: string, offset = 0): void {
    this.engine.seekToScene(sceneId, offset);
  }

  retry(): void {
    this.engine.retry();
  }

  renewUrl(assetId: string): void {
    this.engine.renew(assetId);
  }

  /** Scenes of which every chunk is on this machine. */
  get bufferedScenes(): Set<string> {
    return wholeScenes(this.plan, this.engine.bufferedRanges());
  }

  /** Somebody paused on a scene's first frame has seen nothing of it that a newer version could take away. */
  #watching(): string | undefined {
    return this.paused && this.sceneTime < 0.5 ? undefined : this.currentSlot?.sceneId;
  }

  #reconcile(watching: string | undefined): void {
    const held = holdBack(this.#shown, this.#latest.scenes, watching);
    this.#shown = held.scenes;
    this.#replan();
    for (const update of held.updates) this.#announce(update);
  }

  #replan(): void {
    const plan = buildPlan({ status: this.#latest.status, scenes: this.#shown }, this.#measured);
    this.engine.setPlan(plan);
    this.#syncCaptions();
    const titles = new Map(this.#shown.map(({ sceneId, title }) => [sceneId, title]));
    this.tracks.chapters = plan.spans
      .filter(({ duration }) => duration > 0)
      .map(({ sceneId, start, duration }) => ({
        start,
        end: start + duration,
        text: titles.get(sceneId) ?? "",
      }));
  }

  #announce(update: SceneUpdate): void {
    const key = `${update.sceneId} ${update.version} ${update.held}`;
    if (this.#announced.has(key)) return;
    this.#announced.add(key);
    this.dispatchEvent(new CustomEvent<SceneUpdate>("sceneupdate", { detail: update }));
  }

  #onMeasured(asset: TimelineAsset, seconds: number): void {
    if (this.#measured.get(asset.assetId) === seconds) return;
    this.#measured.set(asset.assetId, seconds);
    this.#replan();
  }

  #onEngineEvent(event: EngineEvent): void {
    if (event === "statechange") {
      this.#showState();
      this.#passOnPictureInPicture();
    }
    if (event !== "progress") this.#overlay.update();
    this.dispatchEvent(new Event(event));
  }

  #syncCaptions(): void {
    const cues = shiftToReel(this.plan, this.#cues);
    this.tracks.hasCaptions = cues.length > 0;
    this.#overlay.cues = cues;
    this.#overlay.visible = this.tracks.captionsShown;
  }

  #showState(): void {
    const slot = this.currentSlot;
    setData(this, "state", this.state);
    setData(this, "scene-index", slot?.sceneIndex);
    setData(this, "scene-id", slot?.sceneId);
    setData(this, "item-key", slot?.key);
    setData(this, "version", slot?.kind === "chunk" ? slot.asset.version : undefined);
    const left = this.#watched !== undefined && this.#watched !== slot?.sceneId;
    this.#watched = slot?.sceneId;
    // A version held back for a scene takes its place as soon as the viewer has left it.
    if (left) queueMicrotask(() => this.#reconcile(this.#watched));
  }

  /** The picture-in-picture window belongs to one inner element; at a joint it has to move to the other one. */
  #passOnPictureInPicture(): void {
    const inWindow = this.shadowRoot?.pictureInPictureElement;
    if (!inWindow || inWindow === this.activeVideo) return;
    this.activeVideo.requestPictureInPicture().catch(() => document.exitPictureInPicture());
  }
}

function setData(element: HTMLElement, name: string, value: string | number | undefined): void {
  const attribute = `data-${name}`;
  if (value === undefined) element.removeAttribute(attribute);
  else if (element.getAttribute(attribute) !== String(value)) element.setAttribute(attribute, String(value));
}

export function defineReelVideo(): void {
  if (!customElements.get("reel-video")) customElements.define("reel-video", ReelVideoElement);
}

declare global {
  interface HTMLElementTagNameMap {
    "reel-video": ReelVideoElement;
  }
}
