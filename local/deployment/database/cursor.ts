/**
 * Page cursors: opaque text that names a position in one query's index, "after this key" or the end. The query's
 * fingerprint is inside, so that a cursor is not applied to another query.
 */
import { createHash } from "node:crypto";
import { DatabaseError, type QueryJson } from "./database.ts";

/** A key, or null for the end. */
export interface Cursor {
  after: Uint8Array | null;
}

export function encodeCursor(cursor: Cursor, fingerprint: string): string {
  const after = cursor.after && Buffer.from(cursor.after).toString("base64url");
  return Buffer.from(JSON.stringify([fingerprint, after])).toString("base64url");
}

/** Null when the text is no cursor, or one of another query. */
export function decodeCursor(text: string, fingerprint: string): Cursor | null {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return null;
  }
  if (!Array.isArray(decoded) || decoded.length !== 2 || decoded[0] !== fingerprint) return null;
  const after: unknown = decoded[1];
  if (after === null) return { after: null };
  return typeof after === "string" ? { after: Uint8Array.from(Buffer.from(after, "base64url")) } : null;
}

export function fingerprintOf(component: string, query: QueryJson): string {
  const text = JSON.stringify([component, query.source, query.operators]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}

export function invalidCursor(text: string): DatabaseError {
  const shown = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  return new DatabaseError(
    `InvalidCursor: Tried to run a query starting from a cursor, but it is no cursor of this query: "${shown}". ` +
      "A cursor only fits the query it came from, unchanged; start again from the first page.",
    { isConvexSystemError: true, paginationError: "InvalidCursor" },
  );
}
