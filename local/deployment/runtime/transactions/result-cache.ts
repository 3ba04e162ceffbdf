/**
 * Results of queries that are still true, kept until a commit touches what they were made of. Only of runs that saw
 * nothing but their arguments, their caller and the database: no clock and no randomness.
 */
import type { Database, ReadSet } from "../../database/database.ts";
import type { QueryInput, QueryOutput } from "../transaction-messages.ts";

export interface CachedResult {
  output: QueryOutput;
  reads: ReadSet;
}

interface Entry extends CachedResult {
  key: string;
  size: number;
}

/** Characters of JSON text. */
const capacity = 16 * 1024 * 1024;
const largest = capacity / 8;
/** What an interval of a read set counts for, in memory and in the time to watch it. */
const intervalSize = 1024;

export class ResultCache {
  readonly #watches: Pick<Database, "watch" | "unwatch">;
  /** Least recently used first. */
  readonly #watchByKey = new Map<string, number>();
  readonly #entries = new Map<number, Entry>();
  #size = 0;
  /** Negative, so that they are never those of sessions. */
  #lastWatch = 0;

  constructor(watches: Pick<Database, "watch" | "unwatch">) {
    this.#watches = watches;
  }

  get(key: string): CachedResult | undefined {
    const watch = this.#watchByKey.get(key);
    if (watch === undefined) return undefined;
    this.#watchByKey.delete(key);
    this.#watchByKey.set(key, watch);
    return this.#entries.get(watch);
  }

  add(key: string, output: QueryOutput, reads: ReadSet): void {
    const { outcome } = output;
    if (!outcome.ok) return;
    const size = key.length + outcome.value.length + (reads.intervals.length + 1) * intervalSize;
    if (size > largest) return;
    const watch = --this.#lastWatch;
    this.#watches.watch(watch, reads);
    this.#watchByKey.set(key, watch);
    this.#entries.set(watch, { key, size, output, reads });
    this.#size += size;
    for (const oldest of this.#watchByKey.values()) {
      if (this.#size <= capacity) break;
      this.#drop(oldest);
    }
  }

  /** Drops what a commit touched, and returns the watches that are not the cache's own. */
  invalidate(touched: number[]): number[] {
    const others = touched.filter((watch) => watch >= 0);
    if (others.length < touched.length) {
      for (const watch of touched) if (watch < 0) this.#drop(watch);
    }
    return others;
  }

  #drop(watch: number): void {
    const entry = this.#entries.get(watch);
    if (!entry) return;
    this.#watches.unwatch(watch);
    this.#entries.delete(watch);
    this.#watchByKey.delete(entry.key);
    this.#size -= entry.size;
  }
}

/** Everything a result can depend on besides the database and the pushed code. */
export function cacheKey({ path, args, identity, access, journal }: QueryInput): string {
  return JSON.stringify([path, args, identity, access, journal]);
}
