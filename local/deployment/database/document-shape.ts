/** What makes a value a document: rules of the top level, size, and agreement with its own system fields. */
import { valueToJson, ValueError } from "../values/convex-json.ts";
import { identifierProblem } from "../values/field-name.ts";
import { nestingOf, sizeOf } from "../values/size.ts";
import type { Value } from "../values/value.ts";
import { DatabaseError, type Document } from "./database.ts";

const MAX_SIZE = 1024 * 1024;
const MAX_NESTING = 16;

/** Adds the system fields. The value may repeat them, as a document that was read and is written back does. */
export function makeDocument(value: Record<string, Value>, id: string, creationTime: number): Document {
  if (Object.hasOwn(value, "_id") && value._id !== id) {
    throw new DatabaseError(
      `Provided document ID ${JSON.stringify(value._id)} doesn't match the document's '_id' "${id}". Leave '_id' out.`,
    );
  }
  if (Object.hasOwn(value, "_creationTime") && value._creationTime !== creationTime) {
    throw new DatabaseError(
      `Provided creation time doesn't match the document's '_creationTime' ${creationTime}. Leave '_creationTime' out.`,
    );
  }
  return { ...value, _id: id, _creationTime: creationTime };
}

/** Throws for what no document may be; returns its stored form and the size it counts for. */
export function serializeDocument(document: Document): { json: string; size: number } {
  for (const field of Object.keys(document)) {
    if (field.startsWith("_") && field !== "_id" && field !== "_creationTime") {
      throw new DatabaseError(
        `Field '${field}' starts with an underscore, which is reserved for system fields like '_id'. Rename it.`,
      );
    }
  }
  const json = toText(document);
  const size = sizeOf(document);
  if (size > MAX_SIZE) {
    throw new DatabaseError(
      `Document is too large (${size} bytes > maximum size ${MAX_SIZE} bytes). Store large content as a file.`,
    );
  }
  if (nestingOf(document) > MAX_NESTING) {
    throw new DatabaseError(`Document is nested too deeply (maximum nesting ${MAX_NESTING}).`);
  }
  return { json, size };
}

export function withoutSystemFields(document: Document): Record<string, Value> {
  const { _id, _creationTime, ...fields } = document;
  return fields;
}

export function checkTableName(name: string): void {
  const problem = name.startsWith("_") ? "must not start with an underscore" : identifierProblem(name);
  if (problem !== null) throw new DatabaseError(`Invalid table name "${name}": it ${problem}.`);
}

function toText(document: Document): string {
  try {
    return JSON.stringify(valueToJson(document));
  } catch (error) {
    if (error instanceof ValueError) throw new DatabaseError(error.message);
    throw error;
  }
}
