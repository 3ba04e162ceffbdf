/**
 * One of the player's two media elements: loads a chunk up to a decoded frame and says so. Does not know the plan, does
 * not decide when to play or what comes next.
 */
import type { TimelineAsset } from "../../../contract/playback.ts";
import { diagnose, MediaFailure, type ChunkSource, type OpenChunk } from "./chunk-source.ts";

type Loading =
  | { state: "empty" }
  | { state: "loading"; asset: TimelineAsset; offset: number; done: Promise<boolean> }
  | { state: "ready"; asset: TimelineAsset }
  | { state: "failed"; asset: TimelineAsset };

/** A seek to the very end shows nothing; stay one frame before it. */
const LAST_FRAME_SECONDS = 0.04;

export class MediaBuffer {
  readonly video: HTMLVideoElement;
  #loading: Loading = { state: "empty" };
  #chunk: OpenChunk | undefined;
  /** Bumped by every load, so that an overtaken one notices. */
  #generation = 0;

  constructor(video: HTMLVideoElement) {
    this.video = video;
  }

  get asset(): TimelineAsset | undefined {
    return this.#loading.state === "empty" ? undefined : this.#loading.asset;
  }

  /** Has a decoded frame of this asset. */
  isReady(assetId: string): boolean {
    return this.#loading.state === "ready" && this.#loading.asset.assetId === assetId;
  }

  /** Has, or is about to have, this asset from the given offset. */
  isLoading(assetId: string, offset: number): boolean {
    const loading = this.#loading;
    return (
      loading.state === "loading" &&
      loading.asset.assetId === assetId &&
      Math.abs(loading.offset - offset) < 0.05
    );
  }

  /**
   * Resolves true with the frame at `offset` decoded, false when another load or unload overtook it, rejects with a
   * MediaFailure.
   */
  load(asset: TimelineAsset, offset: number, source: ChunkSource): Promise<boolean> {
    if (this.#loading.state === "loading" && this.isLoading(asset.assetId, offset)) return this.#loading.done;
    const generation = ++this.#generation;
    const done = this.isReady(asset.assetId)
      ? this.#reseek(asset, offset, generation)
      : this.#load(asset, offset, source, generation);
    this.#loading = { state: "loading", asset, offset, done };
    return done;
  }

  /** The media is here already, only another moment of it is wanted. */
  async #reseek(asset: TimelineAsset, offset: number, generation: number): Promise<boolean> {
    this.seek(offset);
    await this.#decode(0, () => generation !== this.#generation);
    if (generation !== this.#generation) return false;
    this.#loading = { state: "ready", asset };
    return true;
  }

  async #load(
    asset: TimelineAsset,
    offset: number,
    source: ChunkSource,
    generation: number,
  ): Promise<boolean> {
    const isOvertaken = (): boolean => generation !== this.#generation;
    let chunk: OpenChunk | undefined;
    try {
      chunk = await source.open(asset);
      if (isOvertaken()) {
        chunk.close();
        return false;
      }
      this.#adopt(chunk);
      await this.#decode(offset, isOvertaken);
      if (isOvertaken()) return false;
      this.#loading = { state: "ready", asset };
      return true;
    } catch (error) {
      if (isOvertaken()) return false;
      this.#loading = { state: "failed", asset };
      if (error instanceof MediaFailure) throw error;
      if (!chunk) throw new MediaFailure("URL_UNAVAILABLE", { cause: error });
      const failure = await diagnose(chunk.url, error);
      if (isOvertaken()) return false;
      throw failure;
    }
  }

  #adopt(chunk: OpenChunk): void {
    this.#chunk?.close();
    this.#chunk = chunk;
    this.video.src = chunk.url;
    this.video.load();
  }

  async #decode(offset: number, isOvertaken: () => boolean): Promise<void> {
    const { video } = this;
    while (!isOvertaken() && video.readyState < HTMLMediaElement.HAVE_METADATA) {
      await settled(video, "loadedmetadata");
    }
    if (isOvertaken()) return;
    if (offset > 0) video.currentTime = lastFrameAt(video, offset);
    while (!isOvertaken() && (video.seeking || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA)) {
      await settled(video, video.seeking ? "seeked" : "loadeddata");
    }
  }

  seek(offset: number): void {
    this.video.currentTime = lastFrameAt(this.video, offset);
  }

  /** The element reported an error after it had been ready. */
  markFailed(): void {
    if (this.#loading.state !== "empty") this.#loading = { state: "failed", asset: this.#loading.asset };
  }

  unload(): void {
    this.#generation += 1;
    this.#loading = { state: "empty" };
    this.#chunk?.close();
    this.#chunk = undefined;
    this.video.removeAttribute("src");
    this.video.load();
  }

  /** Everything from here to the end is in memory. */
  isFullyBuffered(): boolean {
    const { buffered, duration } = this.video;
    return buffered.length === 1 && buffered.start(0) < 0.1 && buffered.end(0) >= duration - 0.1;
  }

  bufferedRanges(): [number, number][] {
    const { buffered } = this.video;
    return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
  }
}

function lastFrameAt(video: HTMLVideoElement, offset: number): number {
  return Number.isFinite(video.duration)
    ? Math.min(offset, Math.max(0, video.duration - LAST_FRAME_SECONDS))
    : offset;
}

/** The next event of this kind; another load of the element settles it too, so that nobody waits for ever. */
function settled(video: HTMLVideoElement, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const finish = (outcome: () => void) => () => {
      stop.abort();
      outcome();
    };
    video.addEventListener(event, finish(resolve), { signal: stop.signal });
    video.addEventListener("emptied", finish(resolve), { signal: stop.signal });
    video.addEventListener(
      "error",
      finish(() => reject(new Error(video.error?.message ?? "the media element failed"))),
      { signal: stop.signal },
    );
  });
}
