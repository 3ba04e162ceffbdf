/**
 * Walks one interval of one index in order, merging stored rows with the transaction's own writes anew at every
 * step: a write made while the scan is open is seen if it lies ahead of the scan's position.
 */
import type { Index } from "./catalog.ts";
import { justAfter } from "./bytes.ts";
import { idInKey } from "./index-key.ts";
import { lowerBound, type PendingKey, type PendingWrites } from "./pending-writes.ts";
import type { Store } from "./store.ts";
import type { DocumentText } from "./stored-document.ts";

export interface Interval {
  readonly lower: Uint8Array;
  readonly upper: Uint8Array | null;
}

export interface ScanSource {
  readonly store: Store;
  readonly pending: PendingWrites;
  /** A stored document, which the transaction has not replaced or removed. */
  storedDocument(index: Index, id: string): DocumentText;
  /** Counts a document the scan is about to return. */
  countRead(index: Index, document: DocumentText): void;
}

/** Rows read ahead from the store: few for `first()`, growing for long scans. */
const FIRST_BATCH = 8;
const LARGEST_BATCH = 512;

export class IndexScan {
  /** Key of the document returned last. */
  position: Uint8Array | null = null;
  private exhausted = false;
  private started = false;
  private batch: Uint8Array[] = [];
  private batchPosition = 0;
  private batchSize = FIRST_BATCH;
  private storeIsDrained = false;

  constructor(
    private readonly source: ScanSource,
    readonly index: Index,
    readonly interval: Interval,
    readonly descending: boolean,
  ) {}

  next(): DocumentText | null {
    this.started = true;
    if (this.exhausted) return null;
    const stored = this.peekStored();
    const pending = this.peekPending(stored);
    if (pending) return this.advance(pending.key, pending.document!);
    if (stored) {
      this.batchPosition++;
      return this.advance(stored, this.source.storedDocument(this.index, idInKey(stored)));
    }
    this.exhausted = true;
    return null;
  }

  /** What the results so far depend on; null before the first step. */
  readInterval(): Interval | null {
    if (!this.started) return null;
    const { lower, upper } = this.interval;
    if (this.exhausted) return this.interval;
    if (this.position === null) return null;
    return this.descending ? { lower: this.position, upper } : { lower, upper: justAfter(this.position) };
  }

  private advance(key: Uint8Array, document: DocumentText): DocumentText {
    this.position = key;
    this.source.countRead(this.index, document);
    return document;
  }

  private peekStored(): Uint8Array | null {
    const written = this.source.pending.keysOf(this.index);
    for (;;) {
      const key = this.batch[this.batchPosition] ?? this.readAhead();
      if (key === null) return null;
      if (!written || !isWritten(written, key)) return key;
      this.batchPosition++;
    }
  }

  private readAhead(): Uint8Array | null {
    if (this.storeIsDrained) return null;
    const last = this.batch.at(-1);
    let { lower, upper } = this.interval;
    if (last) {
      if (this.descending) upper = last;
      else lower = justAfter(last);
    }
    const { index, descending, batchSize } = this;
    const rows = index.name === "by_id" ? "documents" : "indexes";
    this.batch = this.source.store.keys(rows, index.number, lower, upper, descending, batchSize);
    this.batchPosition = 0;
    this.storeIsDrained = this.batch.length < batchSize;
    this.batchSize = Math.min(batchSize * 4, LARGEST_BATCH);
    return this.batch[0] ?? null;
  }

  /** The transaction's own next document, if it comes before `stored`. */
  private peekPending(stored: Uint8Array | null): PendingKey | null {
    const written = this.source.pending.keysOf(this.index);
    if (!written) return null;
    const step = this.descending ? -1 : 1;
    for (let at = this.firstAhead(written); at >= 0 && at < written.length; at += step) {
      const candidate = written[at]!;
      if (!this.isBefore(candidate.key, stored)) return null;
      if (candidate.document) return candidate;
    }
    return null;
  }

  private firstAhead(written: readonly PendingKey[]): number {
    const { lower, upper } = this.interval;
    if (this.descending) {
      const bound = this.position ?? upper;
      return (bound === null ? written.length : lowerBound(written, bound)) - 1;
    }
    if (this.position === null) return lowerBound(written, lower);
    const at = lowerBound(written, this.position);
    return written[at] && Buffer.compare(written[at].key, this.position) === 0 ? at + 1 : at;
  }

  /** Whether a pending key comes before the next stored one and still lies in the interval. */
  private isBefore(key: Uint8Array, stored: Uint8Array | null): boolean {
    const { lower, upper } = this.interval;
    if (this.descending) {
      return Buffer.compare(key, lower) >= 0 && (stored === null || Buffer.compare(key, stored) > 0);
    }
    return (
      (upper === null || Buffer.compare(key, upper) < 0) &&
      (stored === null || Buffer.compare(key, stored) < 0)
    );
  }
}

function isWritten(written: readonly PendingKey[], key: Uint8Array): boolean {
  const found = written[lowerBound(written, key)];
  return found !== undefined && Buffer.compare(found.key, key) === 0;
}
