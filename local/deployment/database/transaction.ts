/**
 * One function's view of the database: the newest commit plus its own writes, which nobody else sees until the
 * database commits them. It records what it reads, counts what it uses, and never changes the store. Documents it
 * returns are shared; nobody may change them.
 */
import { newId, tableNumberOf } from "../values/id.ts";
import { sizeOf } from "../values/size.ts";
import { validate } from "../values/validator.ts";
import type { Value } from "../values/value.ts";
import type { Catalog, Index, Table } from "./catalog.ts";
import type { Clock } from "./clock.ts";
import type { CurrentSchema } from "./current-schema.ts";
import { DatabaseError } from "./database.ts";
import type {
  Document,
  Page,
  PageRequest,
  QueryJson,
  ReadSet,
  StoredDocument,
  Transaction,
  TransactionMetrics,
} from "./database.ts";
import { asDeveloperError } from "./developer-error.ts";
import { encodeDocument, makeDocument, withoutSystemFields } from "./document-shape.ts";
import { IndexScan, type ScanSource } from "./index-scan.ts";
import { Usage } from "./limits.ts";
import { readPage, type Narrow } from "./page.ts";
import { PendingWrites, stateOf, type DocumentState } from "./pending-writes.ts";
import { resolveSource } from "./query-source.ts";
import { QueryStream } from "./query-stream.ts";
import { ReadLog, UNWATCHED, type Reads } from "./read-log.ts";
import type { Store } from "./store.ts";
import type { DocumentText } from "./stored-document.ts";
import { VisibleTables, type Place } from "./visible-tables.ts";

/** What a transaction needs of the database it belongs to. */
export interface TransactionHost {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly schema: CurrentSchema;
  /** Changes with every commit that a transaction begun before it must not see. */
  readonly generation: number;
  /** As of the newest commit. */
  storedDocument(table: Table, id: string, idKey?: Uint8Array): DocumentText | null;
}

export class LocalTransaction implements Transaction, ScanSource {
  readonly ts: bigint;
  readonly store: Store;
  readonly pending = new PendingWrites();
  readonly tables: VisibleTables;
  /** Where the page ended that this transaction returned; the journal of its run. */
  pageEnd: string | null = null;
  private readonly reads: Reads;
  private readonly usage = new Usage();
  private readonly generation: number;
  private readonly beginMs = Date.now();
  private isClosed = false;

  constructor(
    private readonly host: TransactionHost,
    readonly component: string,
    private readonly isWritable: boolean,
    private readonly journal: string | null,
  ) {
    this.ts = host.clock.latestTs();
    this.store = host.store;
    this.reads = isWritable ? UNWATCHED : new ReadLog();
    this.tables = new VisibleTables(() => host.catalog, component);
    this.generation = host.generation;
  }

  get(id: string, options: { table?: string; isSystem?: boolean } = {}): StoredDocument | null {
    this.checkUsable();
    this.usage.charge("databaseQueries");
    const place = this.tables.place("get", id, options.table);
    if (!place) return null;
    const { table } = place;
    if (options.isSystem !== undefined && options.isSystem !== table.isSystem) {
      throw new DatabaseError(
        `Invalid argument \`id\` for \`db.get\`: "${id}" is an id of the ${table.isSystem ? "system " : ""}table ` +
          `"${table.name}". Use \`${table.isSystem ? "db.system.get" : "db.get"}\`.`,
      );
    }
    const document = this.documentAt(place);
    if (document) this.countRead(table.byId, document);
    return document;
  }

  tableOf(id: string): string | null {
    return this.tables.tableOf(id);
  }

  normalizeId(name: string, id: string): string | null {
    this.checkUsable();
    const table = this.tables.find(name);
    if (!table) this.reads.missingTable(this.component, name);
    return table && tableNumberOf(id) === table.number ? id : null;
  }

  stream(query: QueryJson): Iterator<StoredDocument, undefined> {
    this.checkUsable();
    const stream = this.open(query);
    return {
      next: () => {
        this.checkUsable();
        return stream.next();
      },
    };
  }

  page(request: PageRequest): Page {
    this.checkUsable();
    if (this.pageEnd !== null) {
      throw new DatabaseError(
        "This query or mutation function ran multiple paginated queries, and a function can run only one. " +
          "Use `.take()` or `.collect()` for the others.",
      );
    }
    const page = readPage(request, this.component, this.journal, (narrow) =>
      this.open(request.query, narrow),
    );
    this.pageEnd = page.continueCursor;
    return page;
  }

  count(name: string): number {
    this.checkUsable();
    this.usage.charge("databaseQueries");
    const table = this.tables.find(name);
    if (!table) {
      this.reads.missingTable(this.component, name);
      return 0;
    }
    this.reads.wholeIndex(table.byId);
    let count = this.store.count(table.number);
    for (const change of this.pending.changes()) {
      if (change.table === table) count += Number(change.now !== null) - Number(change.before !== null);
    }
    return count;
  }

  insert(name: string, value: Record<string, Value>): string {
    this.checkWritable();
    const table = this.tables.findOrAdd(name);
    const id = newId(table.number, this.beginMs);
    const document = makeDocument(value, id, this.host.clock.nextCreationTime(this.beginMs));
    if (table.name === "_scheduled_functions") {
      this.usage.charge("functionsScheduled");
      this.usage.charge("scheduledFunctionArgsBytes", sizeOf(value.args ?? null));
    }
    this.write(table, null, document);
    return id;
  }

  patch(id: string, value: Record<string, Value | undefined>, name?: string): StoredDocument {
    const { before, table } = this.existing("patch", "Update", id, name);
    const merged = new Map<string, Value>(Object.entries(before.stored.document));
    for (const [field, member] of Object.entries(value)) {
      if (member === undefined) merged.delete(field);
      else merged.set(field, member);
    }
    return this.rewrite(table, before, Object.fromEntries(merged));
  }

  replace(id: string, value: Record<string, Value>, name?: string): StoredDocument {
    const { before, table } = this.existing("replace", "Replace", id, name);
    return this.rewrite(table, before, value);
  }

  remove(id: string, name?: string): StoredDocument {
    const { before, table } = this.existing("delete", "Delete", id, name);
    this.countWrite(table, before.stored.size);
    this.pending.write(table, id, before, null);
    return before.stored;
  }

  readEnvironment(name: string): void {
    this.reads.variable(name);
  }

  savepoint(): { release(): void; rollback(): void } {
    const mark = this.pending.mark();
    const restoreUsage = this.usage.markWrites();
    return {
      release: () => undefined,
      rollback: () => {
        this.pending.rollback(mark);
        restoreUsage();
      },
    };
  }

  readSet(): ReadSet {
    return this.reads.readSet();
  }

  metrics(): TransactionMetrics {
    return this.usage.metrics();
  }

  close(): void {
    this.isClosed = true;
  }

  /** Nothing may commit between a transaction's begin and its last use: it would see two states of the database. */
  checkUsable(): void {
    if (this.isClosed) throw new Error("The transaction is finished; begin another one.");
    if (this.generation !== this.host.generation) {
      throw new Error("Another transaction committed while this one was open; run them one after another.");
    }
  }

  storedDocument(index: Index, id: string): DocumentText {
    const stored = this.host.storedDocument(index.table, id);
    if (stored === null) throw new Error(`Index ${index.label} names ${id}, which is not stored.`);
    return stored;
  }

  countRead(index: Index, document: DocumentText): void {
    if (index.table.isSystem) return;
    this.usage.charge("documentsRead");
    this.usage.charge("bytesRead", document.size);
  }

  private open({ source, operators }: QueryJson, narrow: Narrow = (interval) => interval): QueryStream {
    this.usage.charge("databaseQueries");
    return asDeveloperError(() => {
      const { tables, reads } = this;
      const found = resolveSource(source, { tables, reads, schema: this.host.schema });
      const interval = found && narrow(found.interval, found.descending);
      const scan = found && interval && new IndexScan(this, found.index, interval, found.descending);
      if (scan) reads.scan(scan);
      return new QueryStream(scan, operators);
    });
  }

  /** Reads a document, present or not: the result depends on it either way. */
  private documentAt({ id, table, idKey }: Place): DocumentText | null {
    this.reads.point(table.byId, idKey);
    const pending = this.pending.get(id);
    return pending === undefined ? this.host.storedDocument(table, id, idKey) : (pending?.stored ?? null);
  }

  private existing(
    method: "patch" | "replace" | "delete",
    verb: string,
    id: string,
    name: string | undefined,
  ): { before: DocumentState; table: Table } {
    this.checkWritable();
    const place = this.tables.place(method, id, name);
    const document = place && this.documentAt(place);
    if (!document) throw new DatabaseError(`${verb} on nonexistent document ID ${id}`);
    const { table } = place;
    return { before: this.pending.get(id) ?? stateOf(table, document), table };
  }

  private rewrite(table: Table, before: DocumentState, value: Record<string, Value>): StoredDocument {
    const { _id, _creationTime } = before.stored.document;
    return this.write(table, before, makeDocument(value, _id, _creationTime));
  }

  private write(table: Table, before: DocumentState | null, document: Document): StoredDocument {
    const stored = encodeDocument(document);
    const type = table.isSystem ? undefined : this.host.schema.documentType(this.component, table.name);
    const problem = type === undefined ? null : validate(type, withoutSystemFields(document), this.tables);
    if (problem !== null) {
      throw new DatabaseError(
        `Failed to insert or update a document in table "${table.name}" because it does not match the schema: ${problem}`,
      );
    }
    this.countWrite(table, stored.size);
    this.pending.write(table, document._id, before, stateOf(table, stored));
    return stored;
  }

  private countWrite(table: Table, size: number): void {
    if (table.isSystem) return;
    this.usage.charge("documentsWritten");
    this.usage.charge("bytesWritten", size);
  }

  private checkWritable(): void {
    this.checkUsable();
    if (!this.isWritable) throw new DatabaseError("A query cannot write to the database. Use a mutation.");
  }
}
