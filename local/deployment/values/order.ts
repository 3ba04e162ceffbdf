/**
 * The one total order of values, in two forms that must agree: a comparison, and keys whose bytes compare like the
 * values they were made of.
 *
 *   undefined < null < int64 < float64 < boolean < string < bytes < array < object
 *
 * Strings compare by UTF-8 bytes, -0 comes before 0, and every NaN is one NaN after +Infinity (JavaScript cannot
 * keep NaNs apart reliably).
 */
import type { Value } from "./value.ts";

const UNDEFINED = 1;
const NULL = 2;
const INT64 = 3;
const FLOAT64 = 4;
const FALSE = 5;
const TRUE = 6;
const STRING = 7;
const BYTES = 8;
const ARRAY = 9;
const OBJECT = 10;

/** Ends strings, bytes, arrays and objects; smaller than all that can stand in its place. */
const END = 0;
/** Content must not look like an end, so 0 is written as 1 1 and, to make room, 1 as 1 2. */
const ESCAPE = 1;

export function compareValues(a: Value | undefined, b: Value | undefined): number {
  const tag = tagOf(a);
  const difference = tag - tagOf(b);
  if (difference !== 0) return difference;
  switch (tag) {
    case INT64:
      return a === b ? 0 : (a as bigint) < (b as bigint) ? -1 : 1;
    case FLOAT64:
      return compareNumbers(a as number, b as number);
    case STRING:
      return compareStrings(a as string, b as string);
    case BYTES:
      return Buffer.compare(new Uint8Array(a as ArrayBuffer), new Uint8Array(b as ArrayBuffer));
    case ARRAY:
      return compareArrays(a as Value[], b as Value[]);
    case OBJECT:
      return compareObjects(a as Record<string, Value>, b as Record<string, Value>);
    default:
      return 0;
  }
}

/** Concatenated encodings; none is a prefix of another, so tuples compare element by element. */
export function encodeKey(values: readonly (Value | undefined)[]): Uint8Array {
  const key = new KeyBuffer();
  for (const value of values) write(key, value);
  return key.take();
}

/** The keys of several tuples in one piece of memory: one is a fraction of the cost of as many small ones. */
export function encodeKeys(tuples: readonly (readonly (Value | undefined)[])[]): Uint8Array[] {
  const key = new KeyBuffer();
  const ends = tuples.map((values) => {
    for (const value of values) write(key, value);
    return key.end;
  });
  const all = key.take();
  return ends.map((end, i) => all.subarray(ends[i - 1] ?? 0, end));
}

/** The least key greater than every key that starts with `prefix`; null when there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | null {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === 0xff) end--;
  if (end === 0) return null;
  const after = Uint8Array.from(prefix.subarray(0, end));
  after[end - 1]!++;
  return after;
}

function tagOf(value: Value | undefined): number {
  switch (typeof value) {
    case "undefined":
      return UNDEFINED;
    case "bigint":
      return INT64;
    case "number":
      return FLOAT64;
    case "boolean":
      return value ? TRUE : FALSE;
    case "string":
      return STRING;
    default:
      if (value === null) return NULL;
      if (value instanceof ArrayBuffer) return BYTES;
      return Array.isArray(value) ? ARRAY : OBJECT;
  }
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (Object.is(a, b)) return 0;
  if (Number.isNaN(a)) return 1;
  if (Number.isNaN(b)) return -1;
  return Object.is(a, -0) ? -1 : 1;
}

/**
 * UTF-16 units order like UTF-8 bytes except that surrogates (which spell the largest code points) are smaller than
 * U+E000 to U+FFFF, so the first unit that differs decides once those two ranges have changed places.
 */
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function compareArrays(a: readonly Value[], b: readonly Value[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareObjects(a: Record<string, Value>, b: Record<string, Value>): number {
  const left = fieldsOf(a);
  const right = fieldsOf(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = compareStrings(left[i]!, right[i]!) || compareValues(a[left[i]!], b[right[i]!]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Field names are ASCII, for which JavaScript's own order is the right one. */
function fieldsOf(object: Record<string, Value>): string[] {
  return Object.keys(object)
    .filter((field) => object[field] !== undefined)
    .sort();
}

function write(key: KeyBuffer, value: Value | undefined): void {
  const tag = tagOf(value);
  key.byte(tag);
  switch (tag) {
    case INT64:
      key.int64(value as bigint);
      break;
    case FLOAT64:
      key.float64(value as number);
      break;
    case STRING:
      key.text(value as string);
      break;
    case BYTES:
      key.escaped(new Uint8Array(value as ArrayBuffer));
      break;
    case ARRAY:
      for (const element of value as Value[]) write(key, element);
      key.byte(END);
      break;
    case OBJECT:
      for (const field of fieldsOf(value as Record<string, Value>)) {
        write(key, field);
        write(key, (value as Record<string, Value>)[field]);
      }
      key.byte(END);
      break;
  }
}

/** Bytes under construction; one growing scratch buffer serves the whole process, since encoding never awaits. */
class KeyBuffer {
  private static scratch = Buffer.allocUnsafeSlow(4096);
  private length = 0;

  get end(): number {
    return this.length;
  }

  byte(value: number): void {
    this.reserve(1);
    KeyBuffer.scratch[this.length++] = value;
  }

  int64(value: bigint): void {
    this.reserve(8);
    KeyBuffer.scratch.writeBigInt64BE(value, this.length);
    KeyBuffer.scratch[this.length]! ^= 0x80;
    this.length += 8;
  }

  float64(value: number): void {
    this.reserve(8);
    const { scratch } = KeyBuffer;
    const start = this.length;
    // The literal, because the sign and payload of a computed NaN are up to the engine.
    scratch.writeDoubleBE(Number.isNaN(value) ? NaN : value, start);
    if (scratch[start]! & 0x80 && !Number.isNaN(value)) {
      for (let i = start; i < start + 8; i++) scratch[i]! ^= 0xff;
    } else {
      scratch[start]! |= 0x80;
    }
    this.length += 8;
  }

  text(value: string): void {
    const mostBytes = value.length * 3;
    this.reserve(mostBytes);
    const start = this.length;
    const written = KeyBuffer.scratch.write(value, start, "utf8");
    const content = KeyBuffer.scratch.subarray(start, start + written);
    if (content.includes(0) || content.includes(1)) {
      this.escaped(Uint8Array.from(content));
      return;
    }
    this.length += written;
    this.byte(END);
  }

  escaped(bytes: Uint8Array): void {
    this.reserve(bytes.length * 2 + 1);
    for (const byte of bytes) {
      if (byte <= ESCAPE) KeyBuffer.scratch[this.length++] = ESCAPE;
      KeyBuffer.scratch[this.length++] = byte <= ESCAPE ? byte + 1 : byte;
    }
    this.byte(END);
  }

  take(): Uint8Array {
    // Its own memory: a view of pooled memory would drag the whole pool along when it is cloned.
    const key = new Uint8Array(this.length);
    key.set(KeyBuffer.scratch.subarray(0, this.length));
    return key;
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= KeyBuffer.scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, KeyBuffer.scratch.length * 2));
    KeyBuffer.scratch.copy(larger, 0, 0, this.length);
    KeyBuffer.scratch = larger;
  }
}
