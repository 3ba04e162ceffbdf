/**
 * Pages of a query. A page covers what lies behind its start cursor up to and including its end: the end it was given
 * (by the caller, or by the journal of an earlier run, so that a live page keeps its bounds) or, the first time, its
 * `pageSize`th document.
 */
import { justAfter } from "./bytes.ts";
import { decodeCursor, encodeCursor, fingerprintOf, invalidCursor, type Cursor } from "./cursor.ts";
import { DatabaseError, type Page, type PageRequest, type StoredDocument } from "./database.ts";
import type { Interval } from "./index-scan.ts";
import type { QueryStream } from "./query-stream.ts";

const MAX_PAGE_SIZE = 32_000;

/** Cuts a query's interval down; null when nothing is left of it. */
export type Narrow = (interval: Interval, descending: boolean) => Interval | null;

export function readPage(
  request: PageRequest,
  component: string,
  journal: string | null,
  open: (narrow: Narrow) => QueryStream,
): Page {
  const { query, pageSize } = request;
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
    throw new DatabaseError(
      `The page size must be an integer from 1 to ${MAX_PAGE_SIZE}, got ${pageSize}. Set \`numItems\` accordingly.`,
    );
  }
  const fingerprint = fingerprintOf(component, query);
  const parse = (text: string): Cursor => {
    const cursor = decodeCursor(text, fingerprint);
    if (!cursor) throw invalidCursor(text);
    return cursor;
  };
  const start = request.cursor === null ? null : parse(request.cursor);
  // A journal of another query (the function changed meanwhile) only means that there is no end to keep.
  const kept = journal === null ? null : decodeCursor(journal, fingerprint);
  const end = request.endCursor === null ? kept : parse(request.endCursor);
  const stream = open((interval, descending) => between(interval, descending, start, end));
  const page: StoredDocument[] = [];
  let reached = end;
  while (end !== null || reached === null) {
    const next = stream.next();
    if (next.done) {
      reached ??= { after: null };
      break;
    }
    page.push(next.value);
    if (end === null && page.length === pageSize) reached = { after: stream.scan!.position };
  }
  return { page, isDone: reached.after === null, continueCursor: encodeCursor(reached, fingerprint) };
}

function between(
  { lower, upper }: Interval,
  descending: boolean,
  start: Cursor | null,
  end: Cursor | null,
): Interval | null {
  if (start?.after === null) return null;
  if (start) {
    if (descending) upper = least(upper, start.after);
    else lower = greatest(lower, justAfter(start.after));
  }
  if (end?.after) {
    if (descending) lower = greatest(lower, end.after);
    else upper = least(upper, justAfter(end.after));
  }
  return upper !== null && Buffer.compare(lower, upper) >= 0 ? null : { lower, upper };
}

function greatest(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Buffer.compare(a, b) >= 0 ? a : b;
}

function least(a: Uint8Array | null, b: Uint8Array): Uint8Array {
  return a === null || Buffer.compare(a, b) > 0 ? b : a;
}
