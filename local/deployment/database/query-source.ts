/** From the source of a query to the index it walks and the interval of it. */
import { findIndex, type Index, indexLabel } from "./catalog.ts";
import type { CurrentSchema } from "./current-schema.ts";
import { DatabaseError, type QueryJson } from "./database.ts";
import { compileRange } from "./index-range.ts";
import type { Interval } from "./index-scan.ts";
import type { Reads } from "./read-log.ts";
import type { VisibleTables } from "./visible-tables.ts";

export interface QuerySource {
  index: Index;
  interval: Interval;
  descending: boolean;
}

interface View {
  readonly tables: VisibleTables;
  readonly schema: CurrentSchema;
  readonly reads: Reads;
}

/** Null when nothing can match. */
export function resolveSource(source: QueryJson["source"], view: View): QuerySource | null {
  if (source.type === "Search") throw notSupported("Search index", source.indexName);
  const isFull = source.type === "FullTableScan";
  const index = findNamed(isFull ? `${source.tableName}.by_creation_time` : source.indexName, view);
  const interval = index && compileRange(index, isFull ? [] : source.range);
  return index && interval && { index, interval, descending: source.order === "desc" };
}

/** Null for a table that does not exist, which any query may read as empty. */
function findNamed(name: string, { tables, schema, reads }: View): Index | null {
  const dot = name.indexOf(".");
  const tableName = name.slice(0, dot);
  const indexName = name.slice(dot + 1);
  const table = tables.find(tableName);
  if (!table) {
    reads.missingTable(tables.component, tableName);
    return null;
  }
  const index = findIndex(table, indexName);
  if (index) return index;
  const kind = schema.unsupportedIndexes.get(indexLabel(tables.component, tableName, indexName));
  throw kind ? notSupported(kind, name) : new DatabaseError(`Index ${name} not found.`);
}

function notSupported(kind: string, name: string): DatabaseError {
  return new DatabaseError(
    `${kind} ${name} is not supported by the local deployment. ` +
      "Use an ordinary index, or a Convex deployment that has it.",
  );
}
