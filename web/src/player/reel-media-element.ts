/** The reel as HTMLMediaElement has it: what ready-made controls read, set and call. Adds no behaviour of its own. */
import type { MediaFailure } from "./chunk-source.ts";
import type { PlaybackEngine } from "./playback-engine.ts";
import type { PlaybackPlan } from "./playback-plan.ts";
import { ReelTimeRanges } from "./reel-time-ranges.ts";
import type { ReelTracks } from "./reel-tracks.ts";

export abstract class ReelMediaElement extends HTMLElement {
  protected abstract readonly engine: PlaybackEngine;
  protected abstract readonly videos: readonly HTMLVideoElement[];
  protected abstract readonly tracks: ReelTracks;

  get plan(): PlaybackPlan {
    return this.engine.plan;
  }

  /** The inner element that is seen and heard now. */
  get activeVideo(): HTMLVideoElement {
    return this.engine.video;
  }

  play(): Promise<void> {
    return this.engine.play();
  }

  pause(): void {
    this.engine.pause();
  }

  get paused(): boolean {
    return this.engine.paused;
  }

  get ended(): boolean {
    return this.engine.ended;
  }

  get seeking(): boolean {
    return this.engine.seeking;
  }

  get readyState(): number {
    return this.engine.readyState;
  }

  get error(): MediaFailure | null {
    return this.engine.failure;
  }

  get currentTime(): number {
    return this.engine.currentTime;
  }

  set currentTime(time: number) {
    this.seek(time);
  }

  seek(time: number): void {
    this.engine.seek(time);
  }

  get duration(): number {
    return this.plan.slots.length === 0 ? Number.NaN : this.plan.duration;
  }

  get buffered(): TimeRanges {
    return new ReelTimeRanges(this.engine.bufferedRanges());
  }

  get seekable(): TimeRanges {
    return new ReelTimeRanges(this.plan.duration > 0 ? [[0, this.plan.duration]] : []);
  }

  get textTracks(): TextTrackList {
    return this.tracks.list;
  }

  get captionsShown(): boolean {
    return this.tracks.captionsShown;
  }

  set captionsShown(shown: boolean) {
    this.tracks.captionsShown = shown;
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
    for (const video of this.videos) video.volume = volume;
  }

  get muted(): boolean {
    return this.activeVideo.muted;
  }

  set muted(muted: boolean) {
    for (const video of this.videos) video.muted = muted;
  }

  get playbackRate(): number {
    return this.activeVideo.playbackRate;
  }

  set playbackRate(rate: number) {
    for (const video of this.videos) {
      // Loading another chunk resets the rate to the default one.
      video.defaultPlaybackRate = rate;
      video.playbackRate = rate;
    }
  }

  requestPictureInPicture(): Promise<PictureInPictureWindow> {
    return this.activeVideo.requestPictureInPicture();
  }
}
