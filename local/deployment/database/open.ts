/**
 * The database of one deployment. Owns the order of commits: one at a time, each durable against the death of the
 * process and complete with its index keys, timestamp and system rows before anybody can see it.
 */
import type { Json } from "../values/json.ts";
import { encodeKey } from "../values/order.ts";
import { Catalog, type Index, type Table } from "./catalog.ts";
import { Clock } from "./clock.ts";
import { arrangeSchema, type CurrentSchema } from "./current-schema.ts";
import type { Database, Document, IndexChange, ReadSet, SchemaJson, Transaction } from "./database.ts";
import { justAfter } from "./bytes.ts";
import { DocumentCache } from "./document-cache.ts";
import { keyOf } from "./index-key.ts";
import type { PendingDocument } from "./pending-writes.ts";
import { checkDefinition, checkDocuments, indexChanges } from "./schema-check.ts";
import { Store, type StoreWriter } from "./store.ts";
import { DocumentText, parseDocument } from "./stored-document.ts";
import { LocalTransaction, type TransactionHost } from "./transaction.ts";
import { Watches } from "./watches.ts";

type SystemChange = { put?: [key: string, value: Json][]; delete?: string[] };

const START = new Uint8Array(0);
/** Documents of a whole table are visited in portions, so that a large table is never in memory at once. */
const PORTION = 1024;

export function openDatabase({ dataDir }: { dataDir: string }): Database {
  return new LocalDatabase(new Store(dataDir));
}

class LocalDatabase implements Database, TransactionHost {
  catalog: Catalog;
  readonly clock: Clock;
  schema: CurrentSchema;
  generation = 0;
  private readonly watches = new Watches();
  private readonly documents = new DocumentCache();

  constructor(readonly store: Store) {
    const schema = store.readMeta("schema");
    this.catalog = Catalog.load(store.readMeta("catalog"));
    this.clock = new Clock(store.ts());
    this.schema = arrangeSchema(schema === undefined ? null : (JSON.parse(schema) as SchemaJson));
  }

  latestTs(): bigint {
    return this.clock.latestTs();
  }

  begin(options: { writable: boolean; component?: string; journal?: string | null }): Transaction {
    return new LocalTransaction(this, options.component ?? "", options.writable, options.journal ?? null);
  }

  storedDocument(table: Table, id: string, idKey = encodeKey([id])): DocumentText | null {
    const cached = this.documents.get(id);
    if (cached) return cached;
    const text = this.store.document(table.number, idKey);
    if (text === undefined) return null;
    const stored = new DocumentText(text);
    this.documents.set(id, stored);
    return stored;
  }

  journalOf(transaction: Transaction): string | null {
    return own(transaction).pageEnd;
  }

  commit(transaction: Transaction, system: SystemChange = {}): { ts: bigint; watches: number[] } {
    const committed = own(transaction);
    committed.checkUsable();
    committed.close();
    const changes = [...committed.pending.changes()];
    if (changes.length === 0) return this.systemCommit(system);
    const newTables = committed.tables.added.filter((table) =>
      changes.some((change) => change.table === table),
    );
    const ts = this.clock.nextTs();
    this.write(ts, (writer) => {
      for (const change of changes) writeChange(writer, change);
      writeSystem(writer, system);
      if (newTables.length > 0) {
        for (const table of newTables) this.catalog.add(table);
        writer.putMeta("catalog", this.catalog.toJson());
      }
    });
    this.generation++;
    for (const { before, now } of changes) {
      if (now) this.documents.set(now.stored.document._id, now.stored);
      else this.documents.delete(before!.stored.document._id);
    }
    return { ts, watches: this.touchedBy(changes) };
  }

  watch(watch: number, reads: ReadSet): void {
    this.watches.set(watch, reads);
  }

  unwatch(watch: number): void {
    this.watches.delete(watch);
  }

  systemGet(key: string): Json | undefined {
    const text = this.store.systemGet(key);
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }

  *systemRange(prefix: string): Iterable<[key: string, value: Json]> {
    for (const [key, text] of this.store.systemRange(prefix)) yield [key, JSON.parse(text) as Json];
  }

  systemCommit(change: SystemChange & { touchesEnvironment?: string[] }): { ts: bigint; watches: number[] } {
    const { put = [], delete: removed = [], touchesEnvironment = [] } = change;
    const touched = new Set<number>();
    for (const name of touchesEnvironment) this.watches.collectByVariable(name, touched);
    if (put.length + removed.length + touchesEnvironment.length === 0) {
      return { ts: this.clock.latestTs(), watches: [] };
    }
    const ts = this.clock.nextTs();
    this.write(ts, (writer) => writeSystem(writer, change));
    return { ts, watches: [...touched] };
  }

  checkSchema(
    schema: SchemaJson | null,
  ):
    { ok: true; added: IndexChange[]; removed: IndexChange[] } | { ok: false; table: string; error: string } {
    const problem =
      checkDefinition(schema) ??
      checkDocuments(schema, this.schema, this.catalog, (table) => this.documentsOf(table));
    return problem ? { ok: false, ...problem } : { ok: true, ...indexChanges(schema, this.catalog) };
  }

  applySchema(schema: SchemaJson | null): { ts: bigint; watches: number[] } {
    const { added, removed } = indexChanges(schema, this.catalog);
    const ts = this.clock.nextTs();
    this.write(ts, (writer) => {
      for (const { tableName } of schema?.tables ?? []) {
        if (!this.catalog.table("", tableName)) this.catalog.add(this.catalog.newTable("", tableName));
      }
      for (const change of removed) this.dropIndex(writer, change);
      for (const change of added) this.buildIndex(writer, change);
      writer.putMeta("catalog", this.catalog.toJson());
      writer.putMeta("schema", schema && JSON.stringify(schema));
    });
    this.schema = arrangeSchema(schema);
    this.generation++;
    return { ts, watches: this.watches.all() };
  }

  tables(): string[] {
    return [...this.catalog.tables()]
      .filter((table) => table.component === "" && !table.isSystem)
      .map((table) => table.name);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private write(ts: bigint, change: (writer: StoreWriter) => void): void {
    try {
      this.store.write((writer) => {
        change(writer);
        writer.putTs(ts);
      });
    } catch (error) {
      // The change may have added tables or indexes that are now not stored.
      this.catalog = Catalog.load(this.store.readMeta("catalog"));
      throw error;
    }
    this.clock.advanceTo(ts);
  }

  private touchedBy(changes: readonly PendingDocument[]): number[] {
    const touched = new Set<number>();
    for (const { table, before, now } of changes) {
      this.watches.collectByKey(table.byId.label, (now ?? before)!.idKey, touched);
      for (const [i, index] of table.indexes.entries()) {
        const oldKey = before?.keys[i];
        const newKey = now?.keys[i];
        if (oldKey) this.watches.collectByKey(index.label, oldKey, touched);
        if (newKey && !(oldKey && sameBytes(oldKey, newKey))) {
          this.watches.collectByKey(index.label, newKey, touched);
        }
      }
    }
    return [...touched];
  }

  private *documentsOf(table: Table): Iterable<Document> {
    let lower: Uint8Array = START;
    for (;;) {
      const keys = this.store.keys("documents", table.number, lower, null, false, PORTION);
      for (const key of keys) yield parseDocument(this.store.document(table.number, key)!);
      const last = keys.at(-1);
      if (!last || keys.length < PORTION) return;
      lower = justAfter(last);
    }
  }

  private dropIndex(writer: StoreWriter, { table: tableName, name }: IndexChange): void {
    const table = this.catalog.table("", tableName)!;
    const index = table.indexes.find((candidate) => candidate.name === name)!;
    writer.dropIndex(index.number);
    table.indexes = table.indexes.filter((candidate) => candidate !== index);
  }

  private buildIndex(writer: StoreWriter, { table: tableName, name, fields }: IndexChange): void {
    const table = this.catalog.table("", tableName)!;
    const index: Index = this.catalog.newIndex(table, name, fields);
    for (const document of this.documentsOf(table)) writer.putIndexKey(index.number, keyOf(index, document));
    table.indexes = [...table.indexes, index];
  }
}

function writeChange(writer: StoreWriter, { table, before, now }: PendingDocument): void {
  if (now) writer.putDocument(table.number, now.idKey, now.stored.text);
  else writer.removeDocument(table.number, before!.idKey);
  for (const [i, index] of table.indexes.entries()) {
    const oldKey = before?.keys[i];
    const newKey = now?.keys[i];
    if (oldKey && newKey && sameBytes(oldKey, newKey)) continue;
    if (oldKey) writer.removeIndexKey(index.number, oldKey);
    if (newKey) writer.putIndexKey(index.number, newKey);
  }
}

function writeSystem(writer: StoreWriter, { put = [], delete: removed = [] }: SystemChange): void {
  for (const [key, value] of put) writer.putSystem(key, JSON.stringify(value));
  for (const key of removed) writer.removeSystem(key);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function own(transaction: Transaction): LocalTransaction {
  if (transaction instanceof LocalTransaction) return transaction;
  throw new Error("The transaction was not begun by this database.");
}
