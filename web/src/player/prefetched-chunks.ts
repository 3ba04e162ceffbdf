/**
 * Keeps the chunks ahead of the viewer in memory, so that a joint needs no network and an expired URL interrupts
 * nothing. The first chunk is never waited for: what is not here yet plays from its URL while it comes in.
 */
import { MIB, SECOND } from "../../../contract/limits.ts";
import type { TimelineAsset } from "../../../contract/playback.ts";
import type { ChunkSource, OpenChunk } from "./chunk-source.ts";
import type { SignedUrls } from "./signed-urls.ts";

interface Held {
  asset: TimelineAsset;
  blobUrl: string;
  /** Media elements playing from it; not evicted while any does. */
  users: number;
}

export interface PrefetchLimits {
  /** All chunks held together. */
  totalBytes: number;
  /** A longer chunk plays from its URL. */
  chunkBytes: number;
}

const RETRY_AFTER_MS = 10 * SECOND;

const DEFAULT_LIMITS: PrefetchLimits = { totalBytes: 192 * MIB, chunkBytes: 48 * MIB };

export class PrefetchedChunks implements ChunkSource {
  readonly #urls: SignedUrls;
  readonly #limits: PrefetchLimits;
  readonly #held = new Map<string, Held>();
  /** When a chunk that did not come may be asked for again. */
  readonly #retryAt = new Map<string, number>();
  #wanted: TimelineAsset[] = [];
  #fetching: { assetId: string; abort: AbortController } | undefined;
  #disposed = false;
  /** Something became local or stopped being so. */
  onChange: () => void = () => undefined;

  constructor(urls: SignedUrls, limits: PrefetchLimits = DEFAULT_LIMITS) {
    this.#urls = urls;
    this.#limits = limits;
  }

  /** In the order in which they will be needed, the one being watched first. */
  want(assets: TimelineAsset[]): void {
    this.#wanted = assets;
    void this.#fetchNext();
  }

  async open(asset: TimelineAsset): Promise<OpenChunk> {
    const held = this.#held.get(asset.assetId);
    if (held) {
      held.users += 1;
      return { url: held.blobUrl, close: () => (held.users -= 1) };
    }
    const release = this.#urls.retain(asset.assetId);
    try {
      return { url: await this.#urls.get(asset.assetId), close: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  invalidate(assetId: string): void {
    this.#urls.invalidate(assetId);
    this.#retryAt.delete(assetId);
    this.#drop(assetId);
  }

  isLocal(assetId: string): boolean {
    return this.#held.has(assetId);
  }

  dispose(): void {
    this.#disposed = true;
    this.#fetching?.abort.abort();
    for (const id of [...this.#held.keys()]) this.#drop(id);
  }

  async #fetchNext(): Promise<void> {
    const within = this.#withinBudget();
    if (this.#fetching && !within.has(this.#fetching.assetId)) this.#fetching.abort.abort();
    if (this.#fetching || this.#disposed) return;
    const next = [...within.values()].find(
      ({ assetId }) => !this.#held.has(assetId) && (this.#retryAt.get(assetId) ?? 0) <= Date.now(),
    );
    if (!next) return;
    const abort = new AbortController();
    this.#fetching = { assetId: next.assetId, abort };
    try {
      const blob = await this.#download(next, abort.signal);
      this.#makeRoom(within);
      this.#held.set(next.assetId, { asset: next, blobUrl: URL.createObjectURL(blob), users: 0 });
      this.onChange();
    } catch {
      // Not the viewer's business: playing it will load it from its URL, and say what is wrong if it is.
      if (!abort.signal.aborted) this.#retryAt.set(next.assetId, Date.now() + RETRY_AFTER_MS);
    } finally {
      this.#fetching = undefined;
    }
    await this.#fetchNext();
  }

  async #download(asset: TimelineAsset, signal: AbortSignal): Promise<Blob> {
    const response = await fetch(await this.#urls.get(asset.assetId), { signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const blob = await response.blob();
    return blob.type === "" ? new Blob([blob], { type: asset.contentType }) : blob;
  }

  #withinBudget(): Map<string, TimelineAsset> {
    const within = new Map<string, TimelineAsset>();
    let bytes = 0;
    for (const asset of this.#wanted) {
      if (asset.size > this.#limits.chunkBytes) continue;
      bytes += asset.size;
      if (bytes > this.#limits.totalBytes) break;
      within.set(asset.assetId, asset);
    }
    return within;
  }

  #makeRoom(keep: ReadonlyMap<string, TimelineAsset>): void {
    for (const [id, held] of this.#held) {
      if (!keep.has(id) && held.users === 0) this.#drop(id);
    }
  }

  #drop(assetId: string): void {
    const held = this.#held.get(assetId);
    if (!held) return;
    URL.revokeObjectURL(held.blobUrl);
    this.#held.delete(assetId);
  }
}
