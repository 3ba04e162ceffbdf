/**
 * One function's view of the database: the newest commit plus its own writes, which nobody else sees until the
 * database commits them. It records what it reads, counts what it uses, and never changes the store.
 */
import { encodeKey } from "../values/order.ts";
import { decodeId, IdError, newId, tableNumberOf } from "../values/id.ts";
import { ValueError } from "../values/convex-json.ts";
import { sizeOf } from "../values/size.ts";
import { validate } from "../values/validator.ts";
import type { Value } from "../values/value.ts";
import { indexLabel, findIndex, type Catalog, type Index, type Table } from "./catalog.ts";
import type { Clock } from "./clock.ts";
import { DatabaseError } from "./database.ts";
import type {
  Document,
  IndexRangeExpression,
  Page,
  PageRequest,
  QueryJson,
  ReadSet,
  Transaction,
  TransactionMetrics,
} from "./database.ts";
import { checkTableName, makeDocument, serializeDocument, withoutSystemFields } from "./document-shape.ts";
import { compileRange } from "./index-range.ts";
import { IndexScan, type Interval, type ScanSource } from "./index-scan.ts";
import { Usage } from "./limits.ts";
import { decodeCursor, encodeCursor, fingerprintOf, invalidCursor, type Cursor } from "./cursor.ts";
import { PendingWrites, stateOf, type DocumentState } from "./pending-writes.ts";
import { QueryStream } from "./query-stream.ts";
import { ReadLog } from "./read-log.ts";
import type { CurrentSchema } from "./current-schema.ts";
import type { Store } from "./store.ts";
import { parseDocument } from "./stored-document.ts";
import { pageInterval } from "./page-interval.ts";

const MAX_PAGE_SIZE = 32_000;

/** What a transaction needs of the database it belongs to. */
export interface TransactionHost {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly schema: CurrentSchema;
  /** Changes with every commit that a transaction begun before it must not see. */
  readonly generation: number;
}

interface Located {
  readonly id: string;
  readonly table: Table;
  readonly idKey: Uint8Array;
}

type Method = "get" | "patch" | "replace" | "delete";

export class LocalTransaction implements Transaction, ScanSource {
  readonly ts: bigint;
  readonly store: Store;
  readonly pending = new PendingWrites();
  /** Tables this transaction wrote the first document to. */
  readonly newTables: Table[] = [];
  /** End of the page this transaction returned, for the journal. */
  pageEnd: string | null = null;
  private readonly reads = new ReadLog();
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
    this.generation = host.generation;
  }

  get(id: string, options: { table?: string; isSystem?: boolean } = {}): Document | null {
    this.checkUsable();
    this.usage.charge("databaseQueries");
    const located = this.locate("get", id, options.table);
    if (!located) return null;
    const { table, idKey } = located;
    if (options.isSystem !== undefined && options.isSystem !== table.isSystem) {
      throw new DatabaseError(
        `Invalid argument \`id\` for \`db.get\`: "${id}" is an id of the ${table.isSystem ? "system " : ""}table ` +
          `"${table.name}". Use \`${table.isSystem ? "db.system.get" : "db.get"}\`.`,
      );
    }
    this.reads.point(table.byId, idKey);
    const document = this.state(located)?.document ?? null;
    if (document) this.countRead(table.byId, document);
    return document;
  }

  normalizeId(table: string, id: string): string | null {
    this.checkUsable();
    const number = tableNumberOf(id);
    const found = this.table(table);
    if (!found) this.reads.missingTable(this.component, table);
    return number !== null && found?.number === number ? id : null;
  }

  stream(query: QueryJson): Iterator<Document, undefined> {
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
    const { query, pageSize } = request;
    if (this.pageEnd !== null) {
      throw new DatabaseError(
        "This query or mutation function ran multiple paginated queries, and a function can run only one. " +
          "Use `.take()` or `.collect()` for the others.",
      );
    }
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
      throw new DatabaseError(
        `The page size must be an integer from 1 to ${MAX_PAGE_SIZE}, got ${pageSize}. Set \`numItems\` accordingly.`,
      );
    }
    const fingerprint = fingerprintOf(this.component, query);
    const parse = (text: string): Cursor => {
      const cursor = decodeCursor(text, fingerprint);
      if (!cursor) throw invalidCursor(text);
      return cursor;
    };
    const start = request.cursor === null ? null : parse(request.cursor);
    // A journal of another query (the function changed meanwhile) only means that there is no end to keep.
    const journalEnd = this.journal === null ? null : decodeCursor(this.journal, fingerprint);
    const end = request.endCursor === null ? journalEnd : parse(request.endCursor);
    const stream = this.open(query, (interval, descending) => pageInterval(interval, descending, start, end));
    const page: Document[] = [];
    let continueAt = end;
    while (continueAt === null || end !== null) {
      const next = stream.next();
      if (next.done) {
        continueAt ??= { after: null };
        break;
      }
      page.push(next.value);
      if (end === null && page.length === pageSize) continueAt = { after: stream.scan!.position };
    }
    const continueCursor = encodeCursor(continueAt, fingerprint);
    this.pageEnd = continueCursor;
    return { page, isDone: continueAt.after === null, continueCursor };
  }

  count(name: string): number {
    this.checkUsable();
    this.usage.charge("databaseQueries");
    const table = this.table(name);
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
    const table = this.table(name) ?? this.newTable(name);
    const id = newId(table.number, this.beginMs);
    const document = makeDocument(value, id, this.host.clock.nextCreationTime(this.beginMs));
    if (table.name === "_scheduled_functions") {
      this.usage.charge("functionsScheduled");
      this.usage.charge("scheduledFunctionArgsBytes", sizeOf(value.args ?? null));
    }
    this.write(table, null, document);
    return id;
  }

  patch(id: string, value: Record<string, Value | undefined>, table?: string): Document {
    this.checkWritable();
    const located = this.locate("patch", id, table);
    const before = this.stateToChange("Update", id, located);
    const merged = new Map<string, Value>(Object.entries(before.document));
    for (const [field, member] of Object.entries(value)) {
      if (member === undefined) merged.delete(field);
      else merged.set(field, member);
    }
    return this.rewrite(before, Object.fromEntries(merged), located!.table);
  }

  replace(id: string, value: Record<string, Value>, table?: string): Document {
    this.checkWritable();
    const located = this.locate("replace", id, table);
    const before = this.stateToChange("Replace", id, located);
    return this.rewrite(before, value, located!.table);
  }

  remove(id: string, table?: string): Document {
    this.checkWritable();
    const located = this.locate("delete", id, table);
    const before = this.stateToChange("Delete", id, located);
    this.countWrite(located!.table, sizeOf(before.document));
    this.pending.write(located!.table, id, before, null);
    return before.document;
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

  storedDocument(index: Index, id: string): Document {
    const text = this.store.document(index.table.number, encodeKey([id]));
    if (text === undefined) throw new Error(`Index ${index.label} names ${id}, which is not stored.`);
    return parseDocument(text);
  }

  countRead(index: Index, document: Document): void {
    if (index.table.isSystem) return;
    this.usage.charge("documentsRead");
    this.usage.charge("bytesRead", sizeOf(document));
  }

  private open(
    { source, operators }: QueryJson,
    narrow: (interval: Interval, descending: boolean) => Interval | null = (interval) => interval,
  ): QueryStream {
    this.usage.charge("databaseQueries");
    return asDeveloperError(() => {
      if (source.type === "Search") throw new DatabaseError(notSupported("Search index", source.indexName));
      const descending = source.order === "desc";
      const [tableName, indexName, range] =
        source.type === "FullTableScan"
          ? [source.tableName, "by_creation_time", []]
          : splitIndexName(source.indexName, source.range);
      const index = this.index(tableName, indexName);
      const compiled = index && compileRange(index, range);
      const interval = compiled && narrow(compiled, descending);
      if (!index || !interval) return new QueryStream(null, operators);
      const scan = new IndexScan(this, index, interval, descending);
      this.reads.scan(scan);
      return new QueryStream(scan, operators);
    });
  }

  /** Null for a table that does not exist, which any query may read as empty. */
  private index(tableName: string, indexName: string): Index | null {
    const table = this.table(tableName);
    if (!table) {
      this.reads.missingTable(this.component, tableName);
      return null;
    }
    const index = findIndex(table, indexName);
    if (index) return index;
    const label = indexLabel(this.component, tableName, indexName);
    const kind = this.host.schema.unsupportedIndexes.get(label);
    throw new DatabaseError(
      kind ? notSupported(kind, `${tableName}.${indexName}`) : `Index ${tableName}.${indexName} not found.`,
    );
  }

  private table(name: string): Table | undefined {
    return (
      this.host.catalog.table(this.component, name) ?? this.newTables.find((table) => table.name === name)
    );
  }

  private tableNumbered(number: number): Table | undefined {
    const table =
      this.host.catalog.tableNumbered(number) ?? this.newTables.find((added) => added.number === number);
    return table?.component === this.component ? table : undefined;
  }

  private newTable(name: string): Table {
    checkTableName(name);
    const table = this.host.catalog.newTable(this.component, name);
    this.newTables.push(table);
    return table;
  }

  /** Null for an id whose table is unknown. */
  private locate(method: Method, id: string, expected: string | undefined): Located | null {
    const invalid = `Invalid argument \`id\` for \`db.${method}\``;
    let number: number;
    try {
      number = decodeId(id).table;
    } catch (error) {
      if (error instanceof IdError) throw new DatabaseError(`${invalid}: ${error.message}`);
      throw error;
    }
    const table = this.tableNumbered(number);
    if (!table) return null;
    if (expected !== undefined && expected !== table.name) {
      throw new DatabaseError(
        `${invalid}, expected to be an Id<"${expected}">, got Id<"${table.name}"> instead.`,
      );
    }
    return { id, table, idKey: encodeKey([id]) };
  }

  private state({ id, table, idKey }: Located): DocumentState | null {
    const pending = this.pending.get(id);
    if (pending !== undefined) return pending;
    const text = this.store.document(table.number, idKey);
    return text === undefined ? null : stateOf(table, parseDocument(text));
  }

  private stateToChange(verb: string, id: string, located: Located | null): DocumentState {
    if (located) this.reads.point(located.table.byId, located.idKey);
    const state = located && this.state(located);
    if (!state) throw new DatabaseError(`${verb} on nonexistent document ID ${id}`);
    return state;
  }

  private rewrite(before: DocumentState, value: Record<string, Value>, table: Table): Document {
    const { _id, _creationTime } = before.document;
    const document = makeDocument(value, _id, _creationTime);
    this.write(table, before, document);
    return document;
  }

  private write(table: Table, before: DocumentState | null, document: Document): void {
    const { json, size } = serializeDocument(document);
    const type = table.isSystem ? undefined : this.host.schema.documentType(this.component, table.name);
    const problem = type === undefined ? null : validate(type, withoutSystemFields(document), this);
    if (problem !== null) {
      throw new DatabaseError(
        `Failed to insert or update a document in table "${table.name}" because it does not match the schema: ${problem}`,
      );
    }
    this.countWrite(table, size);
    this.pending.write(table, document._id, before, stateOf(table, document, json));
  }

  /** For validators. */
  tableOf(id: string): string | null {
    const number = tableNumberOf(id);
    return number === null ? null : (this.tableNumbered(number)?.name ?? null);
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

function splitIndexName(
  name: string,
  range: IndexRangeExpression[],
): [table: string, index: string, range: IndexRangeExpression[]] {
  const dot = name.indexOf(".");
  return [name.slice(0, dot), name.slice(dot + 1), range];
}

function notSupported(kind: string, name: string): string {
  return `${kind} ${name} is not supported by the local deployment. Use an ordinary index, or a Convex deployment that has it.`;
}

function asDeveloperError<T>(compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof ValueError) throw new DatabaseError(error.message);
    throw error;
  }
}
