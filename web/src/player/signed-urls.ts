/**
 * Presigned URLs by asset: asked for in batches, kept until they are due, renewed for assets still in use. Owns no
 * media and no retry of playback; whoever finds a URL broken calls `invalidate` and asks again.
 */
import { MAX_URLS_PER_CALL, SECOND } from "../../../contract/limits.ts";
import type { SignedAssetUrl } from "../../../contract/playback.ts";

export type SignUrls = (assetIds: string[]) => Promise<SignedAssetUrl[]>;

interface Waiting {
  promise: Promise<string>;
  resolve(url: string): void;
  reject(error: unknown): void;
}

/** However wrong this machine's clock is, nobody is asked more often than this for the same URL. */
const MIN_RENEWAL_INTERVAL_MS = 30 * SECOND;

/** `setTimeout` cannot wait longer than 2^31 - 1 ms and would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class SignedUrls {
  readonly #sign: SignUrls;
  readonly #cached = new Map<string, { url: string; renewAt: number }>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #inUse = new Map<string, number>();
  readonly #listeners = new Set<(assetId: string) => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing = false;

  constructor(sign: SignUrls) {
    this.#sign = sign;
  }

  /** A URL that is not due for renewal; rejects when the server gives none. */
  get(assetId: string): Promise<string> {
    const cached = this.#cached.get(assetId);
    if (cached && cached.renewAt > Date.now()) return Promise.resolve(cached.url);
    return this.#ask(assetId);
  }

  invalidate(assetId: string): void {
    this.#cached.delete(assetId);
  }

  /** While retained, a URL is renewed before it expires. Returns the release. */
  retain(assetId: string): () => void {
    this.#inUse.set(assetId, (this.#inUse.get(assetId) ?? 0) + 1);
    this.#schedule();
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = (this.#inUse.get(assetId) ?? 1) - 1;
      if (left > 0) this.#inUse.set(assetId, left);
      else this.#inUse.delete(assetId);
    };
  }

  /** Called with the asset id whenever a retained URL was replaced by a different one. */
  onRenewed(listener: (assetId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#inUse.clear();
  }

  #ask(assetId: string): Promise<string> {
    const already = this.#waiting.get(assetId);
    if (already) return already.promise;
    let settle: Pick<Waiting, "resolve" | "reject"> | undefined;
    const promise = new Promise<string>((resolve, reject) => (settle = { resolve, reject }));
    this.#waiting.set(assetId, { promise, ...settle! });
    if (!this.#flushing) {
      this.#flushing = true;
      // Everything asked for in this turn of the loop goes out together.
      queueMicrotask(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
    return promise;
  }

  #flush(): void {
    const ids = [...this.#waiting.keys()].filter((id) => !this.#asked.has(id));
    for (let from = 0; from < ids.length; from += MAX_URLS_PER_CALL) {
      void this.#request(ids.slice(from, from + MAX_URLS_PER_CALL));
    }
  }

  readonly #asked = new Set<string>();

  async #request(ids: string[]): Promise<void> {
    for (const id of ids) this.#asked.add(id);
    const settle = (id: string, finish: (waiting: Waiting) => void): void => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      this.#asked.delete(id);
      if (waiting) finish(waiting);
    };
    try {
      const signed = await this.#sign(ids);
      for (const { assetId, url, renewAt } of signed) {
        this.#keep(assetId, url, renewAt);
        settle(assetId, (waiting) => waiting.resolve(url));
      }
      for (const id of ids) settle(id, (waiting) => waiting.reject(new Error(`no URL for asset ${id}`)));
    } catch (error) {
      for (const id of ids) settle(id, (waiting) => waiting.reject(error));
    }
    this.#schedule();
  }

  #keep(assetId: string, url: string, renewAt: number | null): void {
    const before = this.#cached.get(assetId);
    const earliest = Date.now() + MIN_RENEWAL_INTERVAL_MS;
    this.#cached.set(assetId, { url, renewAt: renewAt === null ? Infinity : Math.max(renewAt, earliest) });
    if (before && before.url !== url && this.#inUse.has(assetId)) {
      for (const listener of this.#listeners) listener(assetId);
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    let next = Infinity;
    for (const id of this.#inUse.keys()) next = Math.min(next, this.#cached.get(id)?.renewAt ?? Infinity);
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.#renewDue(), Math.min(Math.max(next - Date.now(), 0), MAX_TIMER_MS));
  }

  #renewDue(): void {
    const due = [...this.#inUse.keys()].filter(
      (id) => (this.#cached.get(id)?.renewAt ?? Infinity) <= Date.now(),
    );
    for (const id of due) {
      this.#ask(id).catch(() => {
        // Still usable for the last quarter of its life; tried again after the shortest interval.
        const cached = this.#cached.get(id);
        if (cached) cached.renewAt = Date.now() + MIN_RENEWAL_INTERVAL_MS;
        this.#schedule();
      });
    }
    if (due.length === 0) this.#schedule();
  }
}
