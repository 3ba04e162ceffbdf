/**
 * What a transaction has written and not committed: the newest state of each document, and per index the keys that
 * came or went, in order, so that scans can merge them with the stored rows.
 */
import { keysOf } from "./index-key.ts";
import type { Index, Table } from "./catalog.ts";
import type { DocumentText } from "./stored-document.ts";

export interface DocumentState {
  readonly stored: DocumentText;
  readonly idKey: Uint8Array;
  /** One key per index of the table, in their order. */
  readonly keys: readonly Uint8Array[];
}

export interface PendingDocument {
  readonly table: Table;
  readonly before: DocumentState | null;
  now: DocumentState | null;
}

interface Undo {
  id: string;
  table: Table;
  previous: DocumentState | null;
}

/** A key the transaction wrote: with its document, or null when the stored row under it is gone. */
export interface PendingKey {
  readonly key: Uint8Array;
  document: DocumentText | null;
}

/** Keys of one index, put in order when somebody scans it; most indexes of a written table are scanned by nobody. */
interface IndexKeys {
  readonly sorted: PendingKey[];
  /** In the order of the writes; later ones count. */
  readonly written: PendingKey[];
}

export class PendingWrites {
  private readonly documents = new Map<string, PendingDocument>();
  private readonly keys = new Map<Index, IndexKeys>();
  private readonly undo: Undo[] = [];

  /** The pending state of a document; undefined when this transaction has not touched it. */
  get(id: string): DocumentState | null | undefined {
    return this.documents.get(id)?.now;
  }

  write(table: Table, id: string, before: DocumentState | null, now: DocumentState | null): void {
    this.undo.push({ id, table, previous: before });
    this.apply(table, id, before, now);
  }

  /** Documents that differ from the store. */
  *changes(): Iterable<PendingDocument> {
    for (const pending of this.documents.values()) {
      if (pending.before !== pending.now) yield pending;
    }
  }

  /** Sorted keys of one index; the array changes with later writes. */
  keysOf(index: Index): readonly PendingKey[] | undefined {
    const keys = this.keys.get(index);
    if (keys && keys.written.length > 0) sortIn(keys);
    return keys?.sorted;
  }

  mark(): number {
    return this.undo.length;
  }

  rollback(mark: number): void {
    while (this.undo.length > mark) {
      const { id, table, previous } = this.undo.pop()!;
      this.apply(table, id, this.documents.get(id)!.now, previous);
    }
  }

  private apply(table: Table, id: string, from: DocumentState | null, to: DocumentState | null): void {
    const pending = this.documents.get(id);
    if (pending) pending.now = to;
    else this.documents.set(id, { table, before: from, now: to });
    if (from) this.setKeys(table, from, null);
    if (to) this.setKeys(table, to, to.stored);
  }

  private setKeys(table: Table, state: DocumentState, document: DocumentText | null): void {
    this.setKey(table.byId, state.idKey, document);
    for (const [i, index] of table.indexes.entries()) this.setKey(index, state.keys[i]!, document);
  }

  private setKey(index: Index, key: Uint8Array, document: DocumentText | null): void {
    const keys = this.keys.get(index);
    if (keys) keys.written.push({ key, document });
    else this.keys.set(index, { sorted: [], written: [{ key, document }] });
  }
}

function sortIn({ sorted, written }: IndexKeys): void {
  for (const { key, document } of written) {
    const position = lowerBound(sorted, key);
    const existing = sorted[position];
    if (existing && Buffer.compare(existing.key, key) === 0) existing.document = document;
    else sorted.splice(position, 0, { key, document });
  }
  written.length = 0;
}

export function stateOf(table: Table, stored: DocumentText): DocumentState {
  const [idKey, ...keys] = keysOf([table.byId, ...table.indexes], stored.document);
  return { stored, idKey: idKey!, keys };
}

/** Position of the first key that is not less than `key`. */
export function lowerBound(keys: readonly PendingKey[], key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(keys[middle]!.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
