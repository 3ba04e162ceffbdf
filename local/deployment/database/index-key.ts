import { encodeKey, encodeKeys } from "../values/order.ts";
import type { Value } from "../values/value.ts";
import type { Index } from "./catalog.ts";
import type { Document } from "./database.ts";

export function keyOf(index: Index, document: Document): Uint8Array {
  return encodeKey(tupleOf(index, document));
}

/** One key per index, in their order. */
export function keysOf(indexes: readonly Index[], document: Document): Uint8Array[] {
  return encodeKeys(indexes.map((index) => tupleOf(index, document)));
}

function tupleOf(index: Index, document: Document): (Value | undefined)[] {
  return index.paths.map((path) => fieldAt(document, path));
}

/** The value at a dotted path, undefined when the way there is missing or no object. */
export function fieldAt(document: Record<string, Value>, path: readonly string[]): Value | undefined {
  let value: Value | undefined = document;
  for (const name of path) {
    if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof ArrayBuffer) {
      return undefined;
    }
    value = Object.hasOwn(value, name) ? value[name] : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}

/** Every key ends with the encoded `_id`: a tag, the id's ASCII characters, a zero. None of them occurs in an id. */
export function idInKey(key: Uint8Array): string {
  const end = key.length - 1;
  let start = end;
  while (key[start - 1]! >= 0x30) start--;
  return Buffer.from(key.buffer, key.byteOffset + start, end - start).toString("latin1");
}
