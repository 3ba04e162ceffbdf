import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { openDatabase } from "../../../../local/deployment/database/open.ts";
import type {
  Database,
  Document,
  IndexRangeExpression,
  QueryJson,
  SchemaJson,
  Transaction,
} from "../../../../local/deployment/database/database.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

export function temporaryDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), "deployment-database-"));
  cleanups.push(async () => rmSync(dataDir, { recursive: true, force: true }));
  return dataDir;
}

export function openTemporary(dataDir = temporaryDataDir()): Database {
  const database = openDatabase({ dataDir });
  let closing: Promise<void> | undefined;
  const close = database.close.bind(database);
  database.close = () => (closing ??= close());
  // Before the directory goes.
  cleanups.unshift(() => database.close());
  return database;
}

/** Runs and commits a mutation. */
export function mutate<T>(database: Database, change: (transaction: Transaction) => T): T {
  const transaction = database.begin({ writable: true });
  const result = change(transaction);
  database.commit(transaction);
  return result;
}

export function read<T>(database: Database, query: (transaction: Transaction) => T): T {
  return query(database.begin({ writable: false }));
}

export function collect(transaction: Transaction, query: QueryJson): Document[] {
  const documents: Document[] = [];
  const stream = transaction.stream(query);
  for (let next = stream.next(); !next.done; next = stream.next()) documents.push(next.value.document);
  return documents;
}

export function fullScan(
  tableName: string,
  order: "asc" | "desc" | null = null,
  operators: QueryJson["operators"] = [],
): QueryJson {
  return { source: { type: "FullTableScan", tableName, order }, operators };
}

export function indexRange(
  indexName: string,
  range: IndexRangeExpression[] = [],
  order: "asc" | "desc" | null = null,
  operators: QueryJson["operators"] = [],
): QueryJson {
  return { source: { type: "IndexRange", indexName, range, order }, operators };
}

/** A schema of tables that take anything, with these indexes. */
export function looseSchema(tables: Record<string, Record<string, string[]>>): SchemaJson {
  return {
    schemaValidation: false,
    tables: Object.entries(tables).map(([tableName, indexes]) => ({
      tableName,
      indexes: Object.entries(indexes).map(([indexDescriptor, fields]) => ({ indexDescriptor, fields })),
      documentType: { type: "any" },
    })),
  };
}

/** A checked table: `validator` is what `v.…` exports. */
export function strictSchema(
  tables: Record<string, { validator: unknown; indexes?: Record<string, string[]> }>,
): SchemaJson {
  return {
    schemaValidation: true,
    tables: Object.entries(tables).map(([tableName, { validator, indexes = {} }]) => ({
      tableName,
      indexes: Object.entries(indexes).map(([indexDescriptor, fields]) => ({ indexDescriptor, fields })),
      documentType: (validator as { json: Json }).json,
    })),
  };
}
