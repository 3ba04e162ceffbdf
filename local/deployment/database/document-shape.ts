/** What makes a value a document: rules of the top level, size, and agreement with its own system fields. */
import { valueToJson } from "../values/convex-json.ts";
import { identifierProblem } from "../values/field-name.ts";
import { nestingOf } from "../values/size.ts";
import type { Value } from "../values/value.ts";
import { DatabaseError, type Document } from "./database.ts";
import { asDeveloperError } from "./developer-error.ts";
import { DocumentText } from "./stored-document.ts";

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

/** Throws for what no document may be. */
export function encodeDocument(document: Document): DocumentText {
  for (const field of Object.keys(document)) {
    if (field.startsWith("_") && field !== "_id" && field !== "_creationTime") {
      throw new DatabaseError(
        `Field '${field}' starts with an underscore, which is reserved for system fields like '_id'. Rename it.`,
      );
    }
  }
  const stored = new DocumentText(
    asDeveloperError(() => JSON.stringify(valueToJson(document))),
    document,
  );
  const { size } = stored;
  if (size > MAX_SIZE) {
    throw new DatabaseError(
      `Document is too large (${size} bytes > maximum size ${MAX_SIZE} bytes). Store large content as a file.`,
    );
  }
  if (nestingOf(document) > MAX_NESTING) {
    throw new DatabaseError(`Document is nested too deeply (maximum nesting ${MAX_NESTING}).`);
  }
  return stored;
}

export function withoutSystemFields(document: Document): Record<string, Value> {
  const { _id, _creationTime, ...fields } = document;
  return fields;
}

export function checkTableName(name: string): void {
  const problem = name.startsWith("_") ? "must not start with an underscore" : identifierProblem(name);
  if (problem !== null) throw new DatabaseError(`Invalid table name "${name}": it ${problem}.`);
}
