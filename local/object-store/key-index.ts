/**
 * The keys of a bucket in S3's order (UTF-8 bytes), in memory. Two levels: a list of short sorted runs, so that an
 * insert moves at most one run whatever the bucket holds, and a page of a listing starts after two binary searches.
 */

const RUN_LIMIT = 1024;

/**
 * JavaScript compares strings by UTF-16 unit, which differs from UTF-8 byte order only because surrogate pairs
 * (code points above U+FFFF) sort before U+E000..U+FFFF. Swapping the two blocks makes the built-in comparison right,
 * and nearly every key is its own sort key.
 */
const HIGH_UNITS = /[\ud800-\uffff]/;
const shiftUnits = (key: string, rotate: (unit: number) => number): string => {
  let shifted = "";
  for (let i = 0; i < key.length; i++) shifted += String.fromCharCode(rotate(key.charCodeAt(i)));
  return shifted;
};

export function toSortKey(key: string): string {
  if (!HIGH_UNITS.test(key)) return key;
  return shiftUnits(key, (unit) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit));
}

function fromSortKey(sortKey: string): string {
  if (!HIGH_UNITS.test(sortKey)) return sortKey;
  return shiftUnits(sortKey, (unit) =>
    unit >= 0xf800 ? unit - 0x2000 : unit >= 0xd800 ? unit + 0x800 : unit,
  );
}

/** The smallest sort key greater than everything that starts with `prefix`; undefined when there is none. */
function afterPrefix(prefix: string): string | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const unit = prefix.charCodeAt(i);
    if (unit < 0xffff) return prefix.slice(0, i) + String.fromCharCode(unit + 1);
  }
  return undefined;
}

interface Run<V> {
  keys: string[];
  values: V[];
}

export interface ListQuery {
  prefix?: string;
  delimiter?: string;
  /** Resume after this key, or after everything under it when it is a common prefix of this very query. */
  after?: string;
  limit: number;
}

export type ListItem<V> = { kind: "key"; key: string; value: V } | { kind: "prefix"; prefix: string };

export interface ListPage<V> {
  /** Keys and common prefixes together, in order. */
  items: ListItem<V>[];
  isTruncated: boolean;
}

/** Index of the first key that is not smaller than `sortKey`. */
function lowerBound(keys: readonly string[], sortKey: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < sortKey) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class KeyIndex<V> {
  readonly #runs: Run<V>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const { run, at, found } = this.#locate(toSortKey(key));
    return found ? run!.values[at] : undefined;
  }

  set(key: string, value: V): void {
    const sortKey = toSortKey(key);
    const { run, runAt, at, found } = this.#locate(sortKey);
    if (run === undefined) {
      this.#runs.push({ keys: [sortKey], values: [value] });
      this.#size++;
    } else if (found) {
      run.values[at] = value;
    } else {
      run.keys.splice(at, 0, sortKey);
      run.values.splice(at, 0, value);
      this.#size++;
      if (run.keys.length > RUN_LIMIT) this.#split(runAt);
    }
  }

  delete(key: string): boolean {
    const { run, runAt, at, found } = this.#locate(toSortKey(key));
    if (!found) return false;
    run!.keys.splice(at, 1);
    run!.values.splice(at, 1);
    if (run!.keys.length === 0) this.#runs.splice(runAt, 1);
    this.#size--;
    return true;
  }

  *entries(): Generator<[key: string, value: V]> {
    for (const run of this.#runs) {
      for (const [at, sortKey] of run.keys.entries()) yield [fromSortKey(sortKey), run.values[at]!];
    }
  }

  list(query: ListQuery): ListPage<V> {
    const prefix = toSortKey(query.prefix ?? "");
    const delimiter = toSortKey(query.delimiter ?? "");
    const items: ListItem<V>[] = [];
    let cursor = this.#startOf(prefix, delimiter, query.after);

    for (;;) {
      const run = cursor && this.#runs[cursor.runAt];
      if (!cursor || !run) return { items, isTruncated: false };
      if (cursor.at >= run.keys.length) {
        cursor = { runAt: cursor.runAt + 1, at: 0 };
        continue;
      }
      const sortKey = run.keys[cursor.at]!;
      if (!sortKey.startsWith(prefix)) return { items, isTruncated: false };
      if (items.length >= query.limit) return { items, isTruncated: query.limit > 0 };

      const delimiterAt = delimiter === "" ? -1 : sortKey.indexOf(delimiter, prefix.length);
      if (delimiterAt === -1) {
        items.push({ kind: "key", key: fromSortKey(sortKey), value: run.values[cursor.at]! });
        cursor.at++;
      } else {
        const commonPrefix = sortKey.slice(0, delimiterAt + delimiter.length);
        items.push({ kind: "prefix", prefix: fromSortKey(commonPrefix) });
        // Seek instead of walking: a folder of a million keys costs one step.
        cursor = this.#cursorAt(afterPrefix(commonPrefix));
      }
    }
  }

  #startOf(prefix: string, delimiter: string, afterKey: string | undefined) {
    const after = afterKey === undefined || afterKey === "" ? undefined : toSortKey(afterKey);
    if (after === undefined || after < prefix) return this.#cursorAt(prefix);
    if (delimiter !== "" && after.startsWith(prefix)) {
      const delimiterAt = after.indexOf(delimiter, prefix.length);
      if (delimiterAt !== -1 && delimiterAt + delimiter.length === after.length) {
        return this.#cursorAt(afterPrefix(after));
      }
    }
    return this.#cursorAt(`${after}\u0000`);
  }

  #cursorAt(sortKey: string | undefined): { runAt: number; at: number } | undefined {
    if (sortKey === undefined) return undefined;
    const { runAt, at } = this.#locate(sortKey);
    return { runAt, at };
  }

  #locate(sortKey: string) {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.keys[0]! <= sortKey) low = middle + 1;
      else high = middle;
    }
    const runAt = Math.max(0, low - 1);
    const run = this.#runs[runAt];
    const at = run === undefined ? 0 : lowerBound(run.keys, sortKey);
    return { run, runAt, at, found: run?.keys[at] === sortKey };
  }

  #split(runAt: number): void {
    const run = this.#runs[runAt]!;
    const middle = run.keys.length >>> 1;
    this.#runs.splice(runAt + 1, 0, { keys: run.keys.splice(middle), values: run.values.splice(middle) });
  }
}
