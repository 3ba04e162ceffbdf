/**
 * Convex values to and from the JSON that crosses the wire and lies on disk: the tags `$integer`, `$float` and `$bytes`,
 * and the checks that hold for every value anywhere. What only documents must obey is checked by the database.
 */
import type { Json } from "./json.ts";
import type { Value } from "./value.ts";
import { fieldNameProblem } from "./field-name.ts";

const MAX_NESTING = 64;
const MAX_ARRAY_LENGTH = 8192;
const MAX_OBJECT_FIELDS = 1024;

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** A value that is not a Convex value, or JSON that does not spell one. */
export class ValueError extends Error {
  override name = "ValueError";
}

export function jsonToValue(json: Json): Value {
  return decode(json, 0);
}

/** For the places where a missing field can be spelled out: patches, filters and index ranges. */
export function jsonToValueOrUndefined(json: Json): Value | undefined {
  return isUndefinedTag(json) ? undefined : decode(json, 0);
}

/** A patch: a top-level member may be `{"$undefined": null}`, which removes the field. */
export function jsonToPatch(json: Json): Record<string, Value | undefined> {
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    throw new ValueError("A patch must be an object.");
  }
  const patch: Record<string, Value | undefined> = {};
  for (const [field, member] of Object.entries(json)) {
    checkFieldName(field);
    define(patch, field, jsonToValueOrUndefined(member));
  }
  return patch;
}

export function valueToJson(value: Value): Json {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") {
    checkString(value);
    return value;
  }
  if (typeof value === "number") return isUntaggedNumber(value) ? value : { $float: float64ToBase64(value) };
  if (typeof value === "bigint") return { $integer: int64ToBase64(value) };
  if (value instanceof ArrayBuffer) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) {
    checkArrayLength(value.length);
    return value.map(valueToJson);
  }
  if (typeof value !== "object") throw new ValueError(`A ${typeof value} is not a Convex value.`);
  const object: { [field: string]: Json } = {};
  let fields = 0;
  for (const field in value) {
    const member = value[field];
    if (member === undefined) continue;
    checkFieldName(field);
    checkFieldCount(++fields);
    define(object, field, valueToJson(member));
  }
  return object;
}

/** For JSON of our own writing: replaces the tags where they are and checks nothing. */
export function reviveTrustedJson(json: Json): Value {
  if (json === null || typeof json !== "object") return json;
  if (Array.isArray(json)) {
    const elements = json as Value[];
    for (let i = 0; i < json.length; i++) elements[i] = reviveTrustedJson(json[i]!);
    return elements;
  }
  const object = json as { [field: string]: Value };
  for (const field in json) {
    if (field.startsWith("$")) return decodeTag(field, json[field]!);
    const member = json[field]!;
    if (typeof member === "object") object[field] = reviveTrustedJson(member);
  }
  return object;
}

export function valueOrUndefinedToJson(value: Value | undefined): Json {
  return value === undefined ? { $undefined: null } : valueToJson(value);
}

function decode(json: Json, depth: number): Value {
  if (json === null || typeof json === "boolean" || typeof json === "number") return json;
  if (typeof json === "string") {
    checkString(json);
    return json;
  }
  if (depth >= MAX_NESTING) {
    throw new ValueError(`The value is nested too deeply (maximum nesting ${MAX_NESTING}).`);
  }
  if (Array.isArray(json)) {
    checkArrayLength(json.length);
    return json.map((element) => decode(element, depth + 1));
  }
  const keys = Object.keys(json);
  const [only] = keys;
  if (keys.length === 1 && only!.startsWith("$")) return decodeTag(only!, json[only!]!);
  checkFieldCount(keys.length);
  const object: { [field: string]: Value } = {};
  for (const field of keys) {
    checkFieldName(field);
    define(object, field, decode(json[field]!, depth + 1));
  }
  return object;
}

function decodeTag(tag: string, payload: Json): Value {
  switch (tag) {
    case "$integer":
      return tagBytes(tag, payload, 8).readBigInt64LE();
    case "$float": {
      const number = tagBytes(tag, payload, 8).readDoubleLE();
      if (isUntaggedNumber(number)) {
        throw new ValueError(`The number ${number} must be written as plain JSON, not as $float.`);
      }
      return number;
    }
    case "$bytes": {
      const bytes = tagBytes(tag, payload);
      const copy = new ArrayBuffer(bytes.length);
      new Uint8Array(copy).set(bytes);
      return copy;
    }
    case "$undefined":
      throw new ValueError("undefined is not a valid Convex value here. Leave the field out, or use null.");
    case "$set":
    case "$map":
      throw new ValueError(
        `${tag === "$set" ? "Set" : "Map"} is not a Convex type. Use an array or an object.`,
      );
    default:
      checkFieldName(tag);
      throw new ValueError(`Unknown tag ${tag}.`);
  }
}

function tagBytes(tag: string, payload: Json, length?: number): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload, "base64") : null;
  // Buffer skips what is not base64, so the way back is the check.
  if (!bytes || bytes.toString("base64") !== payload || (length !== undefined && bytes.length !== length)) {
    throw new ValueError(
      `Malformed ${tag}: expected base64${length === undefined ? "" : ` of ${length} bytes`}.`,
    );
  }
  return bytes;
}

function int64ToBase64(value: bigint): string {
  if (value < MIN_INT64 || value > MAX_INT64) {
    throw new ValueError(`BigInt ${value} does not fit into a 64-bit signed integer.`);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes.toString("base64");
}

function float64ToBase64(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.toString("base64");
}

function isUntaggedNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function isUndefinedTag(json: Json): boolean {
  if (json === null || typeof json !== "object" || Array.isArray(json)) return false;
  return "$undefined" in json && Object.keys(json).length === 1;
}

/** `__proto__` is a legal field name, and plain assignment would lose it. */
function define<T>(object: Record<string, T>, field: string, value: T): void {
  if (field === "__proto__") {
    Object.defineProperty(object, field, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[field] = value;
  }
}

function checkString(value: string): void {
  // Lone surrogates have no UTF-8 form, so they could not be stored or sent.
  if (!(value as string & { isWellFormed(): boolean }).isWellFormed()) {
    throw new ValueError("A string contains a lone surrogate, so it is not well-formed Unicode.");
  }
}

function checkFieldName(field: string): void {
  const problem = fieldNameProblem(field);
  if (problem !== null) throw new ValueError(problem);
}

function checkArrayLength(length: number): void {
  if (length > MAX_ARRAY_LENGTH) {
    throw new ValueError(`Array length is too long (${length} > maximum length ${MAX_ARRAY_LENGTH}).`);
  }
}

function checkFieldCount(count: number): void {
  if (count > MAX_OBJECT_FIELDS) {
    throw new ValueError(`Object has too many fields (${count} > maximum number ${MAX_OBJECT_FIELDS}).`);
  }
}
