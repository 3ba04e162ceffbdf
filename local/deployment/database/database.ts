/**
 * What the runtime may ask of the store. Everything here is synchronous: database and functions live in one thread,
 * mutations run one after another, so a transaction never meets another's uncommitted writes.
 *
 * The store is keyed by component and table from the start (`component` is "" for the app).
 */
import type { Json } from "../values/json.ts";
import type { Value } from "../values/value.ts";

/** A stored document with its system fields. */
export type Document = { _id: string; _creationTime: number } & Record<string, Value>;

/** A document with the text it is stored as: Convex JSON, which functions are given as it is. */
export interface StoredDocument {
  readonly text: string;
  /** Shared; nobody may change it. */
  readonly document: Document;
}

export type IndexRangeExpression = {
  type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  fieldPath: string;
  value: Json;
};

/** The query JSON of the client library, as sent by `1.0/queryStream` and `1.0/queryPage`. */
export interface QueryJson {
  source:
    | { type: "FullTableScan"; tableName: string; order: "asc" | "desc" | null }
    | { type: "IndexRange"; indexName: string; range: IndexRangeExpression[]; order: "asc" | "desc" | null }
    | { type: "Search"; indexName: string; filters: Json[] };
  operators: ({ filter: Json } | { limit: number })[];
}

export interface PageRequest {
  query: QueryJson;
  cursor: string | null;
  endCursor: string | null;
  pageSize: number;
}

export interface Page {
  page: StoredDocument[];
  isDone: boolean;
  continueCursor: string;
}

/** Opaque to the runtime: which index intervals, tables and variables a run depends on. Structured-cloneable. */
export interface ReadSet {
  readonly intervals: readonly { index: string; lower: Uint8Array; upper: Uint8Array | null }[];
  readonly environment: readonly string[];
}

/**
 * One function's view: a committed snapshot plus its own writes. Methods throw `DatabaseError` (a developer-facing
 * message, sometimes with `data`) for what the real backend reports to the developer.
 */
export interface Transaction {
  readonly component: string;
  /** Snapshot timestamp, nanoseconds. */
  readonly ts: bigint;

  /** `table` is given only by the explicit-table overloads and must match the id. `isSystem` reads `_…` tables. */
  get(id: string, options?: { table?: string; isSystem?: boolean }): StoredDocument | null;
  normalizeId(table: string, id: string): string | null;
  /** The table an id belongs to, null for text that is no id or names an unknown table. */
  tableOf(id: string): string | null;
  /** Iterate results lazily; sees this transaction's own writes. */
  stream(query: QueryJson): Iterator<StoredDocument>;
  /** A second call in one execution throws; end cursors come from `endCursor` or the journal. */
  page(request: PageRequest): Page;
  count(table: string): number;

  insert(table: string, value: Record<string, Value>): string;
  /** A member that is `undefined` removes the field. */
  patch(id: string, value: Record<string, Value | undefined>, table?: string): StoredDocument;
  replace(id: string, value: Record<string, Value>, table?: string): StoredDocument;
  remove(id: string, table?: string): StoredDocument;

  /** Notes that the result depends on a deployment variable. */
  readEnvironment(name: string): void;
  /** Sub-transaction: `release` keeps its writes, `rollback` drops them (and only them). */
  savepoint(): { release(): void; rollback(): void };
  readSet(): ReadSet;
  metrics(): TransactionMetrics;
}

export type TransactionMetrics = Record<
  | "bytesRead"
  | "bytesWritten"
  | "databaseQueries"
  | "documentsRead"
  | "documentsWritten"
  | "functionsScheduled"
  | "scheduledFunctionArgsBytes",
  { used: number; remaining: number }
>;

export interface Database {
  latestTs(): bigint;
  /** `journal` is the end cursor a subscription must keep; `writable` is false for queries. */
  begin(options: { writable: boolean; component?: string; journal?: string | null }): Transaction;
  /** The journal to send back to the client after a run that paginated, or null. */
  journalOf(transaction: Transaction): string | null;
  /**
   * Durable against `kill -9` when it returns; visible to the next `begin`. `system` puts are extra key/value rows
   * committed in the same transaction (deduplicated answers, scheduler state). Returns the commit timestamp and the watches touched;
   * a transaction without writes commits at the latest timestamp.
   */
  commit(
    transaction: Transaction,
    system?: { put: [key: string, value: Json][]; delete?: string[] },
  ): { ts: bigint; watches: number[] };

  watch(watch: number, reads: ReadSet): void;
  unwatch(watch: number): void;

  /** System rows: plain JSON under a string key, ordered by key, outside every document table. */
  systemGet(key: string): Json | undefined;
  systemRange(prefix: string): Iterable<[key: string, value: Json]>;
  /** Commits system rows alone; `touchesEnvironment` names variables whose readers must run again. */
  systemCommit(change: {
    put?: [key: string, value: Json][];
    delete?: string[];
    touchesEnvironment?: string[];
  }): { ts: bigint; watches: number[] };

  /**
   * Checks every stored document against a new schema and says which indexes it adds and removes; changes nothing.
   * The JSON is the schema's own `.export()`; null means no schema.
   */
  checkSchema(
    schema: SchemaJson | null,
  ): { ok: true; added: IndexChange[]; removed: IndexChange[] } | { ok: false; table: string; error: string };
  /** Makes the schema current, builds added indexes, drops removed ones and invalidates every watch. Called after `checkSchema` said ok. */
  applySchema(schema: SchemaJson | null): { ts: bigint; watches: number[] };

  tables(): string[];
  close(): Promise<void>;
}

export interface IndexChange {
  table: string;
  name: string;
  fields: string[];
}

export interface SchemaJson {
  tables: {
    tableName: string;
    indexes: { indexDescriptor: string; fields: string[] }[];
    documentType: Json;
    searchIndexes?: Json[];
    vectorIndexes?: Json[];
  }[];
  schemaValidation: boolean;
}

/** Raised for the developer whose function misused the database; the message is shown as it is. */
export class DatabaseError extends Error {
  override name = "DatabaseError";
  constructor(
    message: string,
    /** Convex JSON that makes the client see a ConvexError with this data. */
    readonly data?: Json,
  ) {
    super(message);
  }
}
