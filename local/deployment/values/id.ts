/**
 * Document ids: table number (7 bits a byte, low group first), 16 bytes that make the document unique, and a
 * two-byte checksum, written in lowercase Crockford base32.
 */
import { randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const UNIQUE_BYTES = 16;
const RANDOM_BYTES = UNIQUE_BYTES - 2;
const CHECKSUM_BYTES = 2;
const MIN_LENGTH = 31;
const MAX_LENGTH = 37;
const MAX_TABLE_NUMBER = 2 ** 32 - 1;
const MS_PER_DAY = 86_400_000;

export class IdError extends Error {
  override name = "IdError";
}

const digitOf = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) digitOf[ALPHABET.charCodeAt(i)] = i;

export function encodeId(table: number, unique: Uint8Array): string {
  const bytes: number[] = [];
  let rest = table;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest, ...unique);
  bytes.push(...checksum(bytes, bytes.length));
  return toBase32(bytes);
}

export function decodeId(id: string): { table: number; unique: Uint8Array } {
  const table = readId(id);
  if (typeof table === "string") throw new IdError(`Unable to decode ID: ${table}`);
  return {
    table,
    unique: decoded.slice(decodedLength - CHECKSUM_BYTES - UNIQUE_BYTES, decodedLength - CHECKSUM_BYTES),
  };
}

/** The table number in an id, or null when the text is no id. */
export function tableNumberOf(id: string): number | null {
  const table = readId(id);
  return typeof table === "string" ? null : table;
}

/** The bytes of the id read last. Every id in a result is checked, so reading one allocates nothing. */
const decoded = new Uint8Array(Math.ceil((MAX_LENGTH * 5) / 8));
let decodedLength = 0;

/** The table number, or what is wrong. Only the one spelling of an id that `encodeId` gives is an id. */
function readId(id: string): number | string {
  if (id.length < MIN_LENGTH || id.length > MAX_LENGTH) return `Invalid ID length ${id.length}`;
  decodedLength = 0;
  let pending = 0;
  let bits = 0;
  for (let i = 0; i < id.length; i++) {
    const digit = digitOf[id.charCodeAt(i)] ?? -1;
    if (digit < 0) return `Invalid character '${id.charAt(i)}'`;
    pending = (pending << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      decoded[decodedLength++] = pending >> bits;
      pending &= (1 << bits) - 1;
    }
  }
  let table = 0;
  let scale = 1;
  let position = 0;
  let byte: number;
  do {
    if (position === decodedLength) return "the table number does not end";
    byte = decoded[position++]!;
    table += (byte & 0x7f) * scale;
    scale *= 0x80;
  } while (byte >= 0x80);
  const end = position + UNIQUE_BYTES;
  const [low, high] = checksum(decoded, end);
  if (decodedLength !== end + CHECKSUM_BYTES || decoded[end] !== low || decoded[end + 1] !== high) {
    return "wrong checksum";
  }
  const isPadded = bits >= 5 || pending !== 0 || (position > 1 && byte === 0);
  return isPadded || table > MAX_TABLE_NUMBER ? "not in canonical form" : table;
}

/** Asked of the system in bulk: asked for one id it takes longer than everything else about a small insert (measured: 36 µs). */
const random = new Uint8Array(256 * RANDOM_BYTES);
let randomUsed = random.length;

function nextRandom(): Uint8Array {
  if (randomUsed === random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  return random.subarray(randomUsed, (randomUsed += RANDOM_BYTES));
}

/** 14 random bytes and the day, so that ids of one day share their end and never a prefix. */
export function newId(table: number, nowMs: number): string {
  const unique = new Uint8Array(UNIQUE_BYTES);
  unique.set(nextRandom());
  const day = Math.floor(nowMs / MS_PER_DAY);
  unique[RANDOM_BYTES] = (day >> 8) & 0xff;
  unique[UNIQUE_BYTES - 1] = day & 0xff;
  return encodeId(table, unique);
}

/** Fletcher-16 with both sums wrapping at 256. */
function checksum(bytes: ArrayLike<number>, length: number): [number, number] {
  let sum = 0;
  let sumOfSums = 0;
  for (let i = 0; i < length; i++) {
    sum = (sum + bytes[i]!) & 0xff;
    sumOfSums = (sumOfSums + sum) & 0xff;
  }
  return [sum, sumOfSums];
}

function toBase32(bytes: readonly number[]): string {
  let text = "";
  let pending = 0;
  let bits = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(pending >> bits) & 31]!;
    }
    pending &= (1 << bits) - 1;
  }
  if (bits > 0) text += ALPHABET[(pending << (5 - bits)) & 31]!;
  return text;
}
