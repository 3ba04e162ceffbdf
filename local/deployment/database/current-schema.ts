import type { Json } from "../values/json.ts";
import { indexLabel } from "./catalog.ts";
import type { SchemaJson } from "./database.ts";

/** The schema in force (of the app; components bring none), arranged for those who consult it. */
export interface CurrentSchema {
  readonly json: SchemaJson | null;
  /** What documents of a table must match; undefined when they may be anything. */
  documentType(component: string, table: string): Json | undefined;
  /** Declared indexes that cannot be queried here, by label, with what they are. */
  readonly unsupportedIndexes: ReadonlyMap<string, string>;
}

export function arrangeSchema(json: SchemaJson | null): CurrentSchema {
  const types = new Map<string, Json>();
  const unsupportedIndexes = new Map<string, string>();
  for (const table of json?.tables ?? []) {
    // Null is how a table without any constraint is exported.
    if (json?.schemaValidation && table.documentType !== null) types.set(table.tableName, table.documentType);
    const note = (kind: string, indexes: Json[] = []): void => {
      for (const index of indexes as { indexDescriptor: string }[]) {
        unsupportedIndexes.set(indexLabel("", table.tableName, index.indexDescriptor), kind);
      }
    };
    note("Search index", table.searchIndexes);
    note("Vector index", table.vectorIndexes);
  }
  return {
    json,
    documentType: (component, table) => (component === "" ? types.get(table) : undefined),
    unsupportedIndexes,
  };
}
