/**
 * The store on disk, and the one place where state changes.
 *
 *   <dataDir>/
 *     owner.json          who serves this directory (data-dir-owner.ts)
 *     journal.jsonl       every change, one a line (journal.ts); replayed into the catalog at start
 *     data/00 … data/ff/  segment files: the bytes of objects and parts (segments.ts)
 *
 * Keys appear in the journal only, so a key may be any string whatever the file system allows, and a folder of a million
 * objects is no problem for it. An object is a list of segments: a multipart object names the files its parts were
 * uploaded to, so Complete moves no byte, and a copy shares the files of its source.
 *
 * The commit point is the journal line. Bytes are written first, to a file nobody knows; one line then makes metadata and
 * bytes visible together. Appending and applying happen in one synchronous step, so a precondition checked right before
 * `commit` still holds when it is applied, and of two writers to a key one comes wholly after the other.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { Catalog, type Bucket, type Change } from "./catalog.ts";
import { Journal } from "./journal.ts";
import { SegmentStore, type Segment } from "./segments.ts";

/** The journal is rewritten when more than this much of it, and more than half, is history. */
const REWRITE_AFTER_CHANGES = 20_000;

export class Store {
  readonly segments: SegmentStore;
  readonly #catalog: Catalog;
  readonly #journal: Journal;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true });
    this.segments = new SegmentStore(path.join(dataDir, "data"));
    this.#catalog = new Catalog(this.segments);
    this.#journal = new Journal(path.join(dataDir, "journal.jsonl"), (record) =>
      this.#catalog.apply(record as Change),
    );
    this.segments.sweep();
    this.#rewriteIfMostlyHistory();
  }

  get buckets(): ReadonlyMap<string, Bucket> {
    return this.#catalog.buckets;
  }

  commit(change: Change): void {
    this.#journal.append(change);
    this.#catalog.apply(change);
    if (this.#journal.recordCount % REWRITE_AFTER_CHANGES === 0) this.#rewriteIfMostlyHistory();
  }

  /** Commits a change that names freshly written segments, or takes them back when it cannot be made. */
  commitSegments(segments: readonly Segment[], makeChange: () => Change): void {
    try {
      this.commit(makeChange());
    } catch (error) {
      this.segments.discard(segments);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.segments.settle();
    this.#journal.close();
  }

  #rewriteIfMostlyHistory(): void {
    const history = this.#journal.recordCount - this.#catalog.changeCount;
    if (history < REWRITE_AFTER_CHANGES || history < this.#catalog.changeCount) return;
    this.#journal.rewrite(this.#catalog.snapshot(Date.now()));
  }
}
