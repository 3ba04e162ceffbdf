/** The obvious implementation of queries over a plain list, to compare the database with. */
import type { Document, IndexRangeExpression } from "../../../../local/deployment/database/database.ts";
import { jsonToValueOrUndefined } from "../../../../local/deployment/values/convex-json.ts";
import { compareValues } from "../../../../local/deployment/values/order.ts";
import type { Value } from "../../../../local/deployment/values/value.ts";

/** Fields of the indexes of the table the properties use, with the implicit ones. */
export const INDEXES: Record<string, string[]> = {
  by_id: ["_id"],
  by_creation_time: ["_creationTime", "_id"],
  by_a: ["a", "_creationTime", "_id"],
  by_a_b: ["a", "b.c", "_creationTime", "_id"],
};

export interface NaiveQuery {
  index: string;
  range: IndexRangeExpression[];
  order: "asc" | "desc" | null;
}

export function naiveResult(documents: Iterable<Document>, { index, range, order }: NaiveQuery): Document[] {
  const result = [...documents].filter((document) => range.every((term) => holds(term, document)));
  result.sort((a, b) => compareIn(index, a, b));
  return order === "desc" ? result.reverse() : result;
}

export function compareIn(index: string, a: Document, b: Document): number {
  for (const field of INDEXES[index]!) {
    const order = compareValues(fieldOf(a, field), fieldOf(b, field));
    if (order !== 0) return order;
  }
  return 0;
}

function fieldOf(document: Document, field: string): Value | undefined {
  let value: unknown = document;
  for (const name of field.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  return value as Value | undefined;
}

function holds({ type, fieldPath, value }: IndexRangeExpression, document: Document): boolean {
  const order = compareValues(fieldOf(document, fieldPath), jsonToValueOrUndefined(value));
  switch (type) {
    case "Eq":
      return order === 0;
    case "Gt":
      return order > 0;
    case "Gte":
      return order >= 0;
    case "Lt":
      return order < 0;
    case "Lte":
      return order <= 0;
  }
}
