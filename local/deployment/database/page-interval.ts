import { justAfter } from "./bytes.ts";
import type { Cursor } from "./cursor.ts";
import type { Interval } from "./index-scan.ts";

const NOTHING: null = null;

/** The part of a query's interval behind `start` and up to and including `end`, in the direction of the scan. */
export function pageInterval(
  { lower, upper }: Interval,
  descending: boolean,
  start: Cursor | null,
  end: Cursor | null,
): Interval | null {
  if (start) {
    if (start.after === null) return NOTHING;
    if (descending) upper = least(upper, start.after);
    else lower = greatest(lower, justAfter(start.after));
  }
  if (end?.after) {
    if (descending) lower = greatest(lower, end.after);
    else upper = least(upper, justAfter(end.after));
  }
  return upper !== null && Buffer.compare(lower, upper) >= 0 ? NOTHING : { lower, upper };
}

function greatest(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Buffer.compare(a, b) >= 0 ? a : b;
}

function least(a: Uint8Array | null, b: Uint8Array): Uint8Array {
  return a === null || Buffer.compare(a, b) > 0 ? b : a;
}
