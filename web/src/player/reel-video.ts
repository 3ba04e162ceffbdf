/**
 * `<reel-video>`: a whole session behind the interface of one media element, so that ready-made controls can drive it.
 * `connect` it to a source and `show` it the timeline, again at every change; it keeps playing through joints, gaps and re-renders.
 *
 * Beyond HTMLMediaElement it fires `statechange` (any data attribute changed) and `sceneupdate` (a SceneUpdate in
 * `detail`), and shows its state as data-state, data-scene-index, data-scene-id, data-item-key and data-version.
 */
import { CaptionOverlay } from "./caption-overlay.ts";
import { shiftToReel, type CaptionCue } from "./caption-cues.ts";
import { MediaFailure, type ChunkSource } from "./chunk-source.ts";
import { PlaybackEngine, type EngineEvent, type PlaybackState } from "./playback-engine.ts";
import { buildPlan, type PlaybackPlan, type Reel, type Slot } from "./playback-plan.ts";
import { ReelTimeRanges } from "./reel-time-ranges.ts";
import { reelTracks, type ReelTracks } from "./reel-tracks.ts";
import { holdBack, type SceneUpdate } from "./scene-updates.ts";
import type { TimelineAsset, TimelineScene } from "../../../contract/playback.ts";

const STYLE = `
  :host { display: block; position: relative; isolation: isolate; overflow: hidden; background: #000; line-height: 1.35; }
  video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; z-index: 0; }
  video[data-front] { z-index: 1; }
  [part=captions] {
    position: absolute; z-index: 2; inset-inline: 6%; bottom: var(--reel-captions-bottom, 6%);
    display: flex; flex-direction: column; align-items: center; gap: 0.25em;
    font: 500 clamp(14px, 2.4cqi, 30px)/1.35 system-ui, sans-serif; text-align: center; pointer-events: none;
    transition: bottom 150ms;
  }
  [part=cue] {
    padding: 0.12em 0.5em; border-radius: 0.25em; color: #fff; background: rgb(8 10 12 / 0.82);
    white-space: pre-line; text-wrap: balance; overflow-wrap: anywhere;
  }
  :host { container-type: inline-size; }
  @media (prefers-reduced-motion: reduce) { [part=captions] { transition: none; } }
`;

export class ReelVideoElement extends HTMLElement {
  readonly #engine: PlaybackEngine;
  readonly #overlay: CaptionOverlay;
  readonly #tracks: ReelTracks;
  readonly #videos: [HTMLVideoElement, HTMLVideoElement];
  readonly #measured = new Map<string, number>();
  readonly #announced = new Set<string>();
  #latest: Reel = { status: "live", scenes: [] };
  #shown: TimelineScene[] = [];
  #cues: ReadonlyMap<string, readonly CaptionCue[]> = new Map();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.#videos = [createVideo(), createVideo()];
    this.#overlay = new CaptionOverlay(this);
    this.#tracks = reelTracks(() => this.#syncCaptions());
    root.append(style, ...this.#videos, this.#overlay.element);
    this.#engine = new PlaybackEngine(this.#videos, {
      onEvent: (event) => this.#onEngineEvent(event),
      onMeasured: (asset, seconds) => this.#onMeasured(asset, seconds),
    });
    for (const type of ["volumechange", "ratechange", "enterpictureinpicture", "leavepictureinpicture"]) {
      for (const video of this.#videos) {
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
    this.#engine.reset();
    this.#latest = { status: "live", scenes: [] };
    this.#shown = [];
    this.#announced.clear();
  }

  // What to play

  /** Where media comes from. */
  connect(source: ChunkSource): void {
    this.#engine.source = source;
  }

  /** The session as it is now; to be called again at every change. */
  show(timeline: Reel): void {
    this.#latest = timeline;
    this.#reconcile(this.#watching());
  }

  get plan(): PlaybackPlan {
    return this.#engine.plan;
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

  // What plays

  /** The inner element that is seen and heard now. */
  get activeVideo(): HTMLVideoElement {
    return this.#engine.video;
  }

  get state(): PlaybackState {
    return this.#engine.state;
  }

  get currentSlot(): Slot | undefined {
    return this.#engine.slot;
  }

  /** Seconds into the scene under the playhead. */
  get sceneTime(): number {
    const span = this.plan.spans.find((candidate) => candidate.sceneId === this.currentSlot?.sceneId);
    return span ? this.currentTime - span.start : 0;
  }

  seekToScene(sceneId: string, offset = 0): void {
    this.#engine.seekToScene(sceneId, offset);
  }

  retry(): void {
    this.#engine.retry();
  }

  renewUrl(assetId: string): void {
    this.#engine.renew(assetId);
  }

  /** Scenes of which every chunk is on this machine. */
  get bufferedScenes(): Set<string> {
    const ranges = this.#engine.bufferedRanges();
    const whole = new Map<string, boolean>();
    for (const slot of this.plan.slots) {
      const isCovered = ranges.some(
        ([start, end]) => start <= slot.start + 0.25 && end >= slot.start + slot.duration - 0.25,
      );
      whole.set(slot.sceneId, isCovered && (whole.get(slot.sceneId) ?? true));
    }
    return new Set([...whole].flatMap(([sceneId, isWhole]) => (isWhole ? [sceneId] : [])));
  }

  // HTMLMediaElement

  play(): Promise<void> {
    return this.#engine.play();
  }

  pause(): void {
    this.#engine.pause();
  }

  get paused(): boolean {
    return this.#engine.paused;
  }

  get ended(): boolean {
    return this.#engine.ended;
  }

  get seeking(): boolean {
    return this.#engine.seeking;
  }

  get readyState(): number {
    return this.#engine.readyState;
  }

  get error(): MediaFailure | null {
    return this.#engine.failure;
  }

  get currentTime(): number {
    return this.#engine.currentTime;
  }

  set currentTime(time: number) {
    this.seek(time);
  }

  seek(time: number): void {
    this.#engine.seek(time);
  }

  get duration(): number {
    return this.plan.slots.length === 0 ? Number.NaN : this.plan.duration;
  }

  get buffered(): TimeRanges {
    return new ReelTimeRanges(this.#engine.bufferedRanges());
  }

  get seekable(): TimeRanges {
    return new ReelTimeRanges(this.plan.duration > 0 ? [[0, this.plan.duration]] : []);
  }

  get textTracks(): TextTrackList {
    return this.#tracks.list;
  }

  get captionsShown(): boolean {
    return this.#tracks.captionsShown;
  }

  set captionsShown(shown: boolean) {
    this.#tracks.captionsShown = shown;
  }

  get streamType(): "on-demand" {
    return "on-demand";
  }

  get videoWidth(): number {
    return this.activeVideo.videoWidth;
  }

  get videoHeight(): number {
    return this.activeVideo.videoHeight;
  }

  get volume(): number {
    return this.activeVideo.volume;
  }

  set volume(volume: number) {
    for (const video of this.#videos) video.volume = volume;
  }

  get muted(): boolean {
    return this.activeVideo.muted;
  }

  set muted(muted: boolean) {
    for (const video of this.#videos) video.muted = muted;
  }

  get playbackRate(): number {
    return this.activeVideo.playbackRate;
  }

  set playbackRate(rate: number) {
    for (const video of this.#videos) {
      // Loading another chunk resets the rate to the default one.
      video.defaultPlaybackRate = rate;
      video.playbackRate = rate;
    }
  }

  requestPictureInPicture(): Promise<PictureInPictureWindow> {
    return this.activeVideo.requestPictureInPicture();
  }

  // Wiring

  /** Somebody paused on a scene's first frame has seen nothing of it that a newer version could take away. */
  #watching(): string | undefined {
    return this.paused && this.sceneTime < 0.5 ? undefined : this.#engine.slot?.sceneId;
  }

  #reconcile(watching: string | undefined): void {
    const held = holdBack(this.#shown, this.#latest.scenes, watching);
    this.#shown = held.scenes;
    this.#replan();
    for (const update of held.updates) this.#announce(update);
  }

  #replan(): void {
    const plan = buildPlan({ status: this.#latest.status, scenes: this.#shown }, this.#measured);
    this.#engine.setPlan(plan);
    this.#syncCaptions();
    const titles = new Map(this.#shown.map(({ sceneId, title }) => [sceneId, title]));
    this.#tracks.chapters = plan.spans
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
    this.#tracks.hasCaptions = cues.length > 0;
    this.#overlay.cues = cues;
    this.#overlay.visible = this.#tracks.captionsShown;
  }

  #watched: string | undefined;

  #showState(): void {
    const slot = this.#engine.slot;
    setData(this, "state", this.#engine.state);
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

function createVideo(): HTMLVideoElement {
  const video = document.createElement("video");
  video.crossOrigin = "anonymous";
  video.playsInline = true;
  video.preload = "auto";
  video.tabIndex = -1;
  return video;
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
