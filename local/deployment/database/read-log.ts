/** Collects what a transaction has read, down to the index intervals that its results depend on. */
import { indexLabel, type Index } from "./catalog.ts";
import type { ReadSet } from "./database.ts";
import type { IndexScan, Interval } from "./index-scan.ts";
import { justAfter } from "./bytes.ts";

type LabelledInterval = ReadSet["intervals"][number];

const START = new Uint8Array(0);

export type Reads = Pick<ReadLog, "point" | "wholeIndex" | "missingTable" | "scan" | "variable" | "readSet">;

/** Of a mutation: nobody watches what it read, and nothing commits beside it that it would have to know of. */
export const UNWATCHED: Reads = {
  point: () => undefined,
  wholeIndex: () => undefined,
  missingTable: () => undefined,
  scan: () => undefined,
  variable: () => undefined,
  readSet: () => ({ intervals: [], environment: [] }),
};

export class ReadLog {
  private readonly intervals: LabelledInterval[] = [];
  private readonly scans: IndexScan[] = [];
  private readonly environment = new Set<string>();

  point(index: Index, key: Uint8Array): void {
    this.intervals.push({ index: index.label, lower: key, upper: justAfter(key) });
  }

  wholeIndex(index: Index): void {
    this.intervals.push({ index: index.label, lower: START, upper: null });
  }

  /** A table that does not exist: its first document changes the answer. */
  missingTable(component: string, table: string): void {
    this.intervals.push({ index: indexLabel(component, table, "by_id"), lower: START, upper: null });
  }

  /** What it has read is asked of the scan itself, at the end. */
  scan(scan: IndexScan): void {
    this.scans.push(scan);
  }

  variable(name: string): void {
    this.environment.add(name);
  }

  readSet(): ReadSet {
    const intervals = [...this.intervals];
    for (const scan of this.scans) {
      const read = scan.readInterval();
      if (read) intervals.push(label(scan.index, read));
    }
    return { intervals: coalesce(intervals), environment: [...this.environment] };
  }
}

function label(index: Index, { lower, upper }: Interval): LabelledInterval {
  return { index: index.label, lower: ownCopy(lower), upper: upper && ownCopy(upper) };
}

/** Keys from the store may be views of larger memory, which a kept read set would hold and a clone would copy. */
function ownCopy(key: Uint8Array): Uint8Array {
  return key.byteLength === key.buffer.byteLength ? key : Uint8Array.from(key);
}

/** Joins overlapping and touching intervals of the same index. */
function coalesce(intervals: LabelledInterval[]): LabelledInterval[] {
  intervals.sort((a, b) =>
    a.index === b.index ? Buffer.compare(a.lower, b.lower) : a.index < b.index ? -1 : 1,
  );
  const joined: LabelledInterval[] = [];
  for (const next of intervals) {
    const last = joined.at(-1);
    const touches =
      last?.index === next.index && (last.upper === null || Buffer.compare(next.lower, last.upper) <= 0);
    if (!last || !touches) joined.push(next);
    else if (last.upper && (next.upper === null || Buffer.compare(next.upper, last.upper) > 0)) {
      joined[joined.length - 1] = { ...last, upper: next.upper };
    }
  }
  return joined;
}
