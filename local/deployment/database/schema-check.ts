/** Is a new schema well-formed, do the stored documents match it, and which indexes does it add and remove? */
import { identifierProblem } from "../values/field-name.ts";
import type { Json } from "../values/json.ts";
import { tableNumberOf } from "../values/id.ts";
import type { ValidationContext } from "../values/matcher.ts";
import { validate } from "../values/validator.ts";
import type { Catalog, Table } from "./catalog.ts";
import type { CurrentSchema } from "./current-schema.ts";
import type { Document, IndexChange, SchemaJson } from "./database.ts";
import { withoutSystemFields } from "./document-shape.ts";

const MAX_TABLES = 10_000;
const MAX_INDEXES = 64;
const MAX_INDEX_FIELDS = 16;

export interface SchemaProblem {
  table: string;
  error: string;
}

export function checkDefinition(schema: SchemaJson | null): SchemaProblem | null {
  const tables = schema?.tables ?? [];
  if (tables.length > MAX_TABLES) {
    return { table: "", error: `The schema has ${tables.length} tables, the maximum is ${MAX_TABLES}.` };
  }
  const names = new Set<string>();
  for (const { tableName, indexes } of tables) {
    const error =
      (names.has(tableName) ? "it is defined twice" : null) ??
      identifierProblem(tableName) ??
      indexesProblem(indexes);
    if (error !== null) return { table: tableName, error: `Invalid table "${tableName}": ${error}.` };
    names.add(tableName);
  }
  return null;
}

/** The first stored document that a table's new type refuses. */
export function checkDocuments(
  schema: SchemaJson | null,
  current: CurrentSchema,
  catalog: Catalog,
  documentsOf: (table: Table) => Iterable<Document>,
): SchemaProblem | null {
  if (!schema?.schemaValidation) return null;
  const context: ValidationContext = {
    tableOf: (id) => {
      const number = tableNumberOf(id);
      const table = number === null ? undefined : catalog.tableNumbered(number);
      return table?.component === "" ? table.name : null;
    },
  };
  for (const { tableName, documentType } of schema.tables) {
    const table = catalog.table("", tableName);
    if (!table || documentType === null || isSame(documentType, current.documentType("", tableName)))
      continue;
    for (const document of documentsOf(table)) {
      const problem = validate(documentType, withoutSystemFields(document), context);
      if (problem === null) continue;
      const error = `Document with ID "${document._id}" in table "${tableName}" does not match the schema: ${problem}`;
      return { table: tableName, error };
    }
  }
  return null;
}

/** An index whose fields change is removed and added. */
export function indexChanges(
  schema: SchemaJson | null,
  catalog: Catalog,
): { added: IndexChange[]; removed: IndexChange[] } {
  const wanted = (schema?.tables ?? []).flatMap(({ tableName, indexes }) =>
    indexes.map(({ indexDescriptor, fields }) => ({ table: tableName, name: indexDescriptor, fields })),
  );
  const present: IndexChange[] = [];
  for (const table of catalog.tables()) {
    if (table.component !== "" || table.isSystem) continue;
    for (const index of table.indexes) {
      if (index === table.byCreationTime) continue;
      present.push({ table: table.name, name: index.name, fields: [...index.declared] });
    }
  }
  const without = (changes: IndexChange[], others: IndexChange[]): IndexChange[] => {
    const keys = new Set(others.map((other) => JSON.stringify(other)));
    return changes.filter((change) => !keys.has(JSON.stringify(change)));
  };
  return { added: without(wanted, present), removed: without(present, wanted) };
}

function indexesProblem(indexes: SchemaJson["tables"][number]["indexes"]): string | null {
  if (indexes.length > MAX_INDEXES) return `it has ${indexes.length} indexes, the maximum is ${MAX_INDEXES}`;
  const names = new Set(["by_id", "by_creation_time"]);
  for (const { indexDescriptor: name, fields } of indexes) {
    if (names.has(name)) return `index name "${name}" is reserved or used twice`;
    names.add(name);
    const problem = identifierProblem(name);
    if (problem !== null) return `index name "${name}" ${problem}`;
    if (fields.length < 1 || fields.length > MAX_INDEX_FIELDS) {
      return `index "${name}" must have 1 to ${MAX_INDEX_FIELDS} fields, it has ${fields.length}`;
    }
    if (new Set(fields).size < fields.length) return `index "${name}" names a field twice`;
    const reserved = fields.find((field) => field.startsWith("_"));
    if (reserved !== undefined) {
      return `index "${name}" names "${reserved}"; _creationTime and _id end every index by themselves`;
    }
  }
  return null;
}

/** Documents were checked against the current type when they were written. */
function isSame(type: Json, current: Json | undefined): boolean {
  return current !== undefined && JSON.stringify(type) === JSON.stringify(current);
}
