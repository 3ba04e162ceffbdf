/**
 * Document ids: table number (7 bits a byte, low group first), 16 bytes that make the document unique, and a
 * two-byte checksum, written in lowercase Crockford base32.
 */
import { randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const UNIQUE_BYTES = 16;
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
  bytes.push(...checksum(bytes));
  return toBase32(bytes);
}

export function decodeId(id: string): { table: number; unique: Uint8Array } {
  if (id.length < MIN_LENGTH || id.length > MAX_LENGTH) {
    throw new IdError(`Unable to decode ID: Invalid ID length ${id.length}`);
  }
  const bytes = fromBase32(id);
  let table = 0;
  let scale = 1;
  let position = 0;
  for (;;) {
    const byte = bytes[position++];
    if (byte === undefined) throw new IdError("Unable to decode ID: the table number does not end");
    table += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte < 0x80) break;
  }
  const end = position + UNIQUE_BYTES;
  const [low, high] = checksum(bytes.slice(0, end));
  if (bytes.length !== end + CHECKSUM_BYTES || bytes[end] !== low || bytes[end + 1] !== high) {
    throw new IdError("Unable to decode ID: wrong checksum");
  }
  const unique = Uint8Array.from(bytes.slice(position, end));
  // Another spelling of the same bytes (stray trailing bits, a padded number) is not an id anybody was given.
  if (table > MAX_TABLE_NUMBER || encodeId(table, unique) !== id) {
    throw new IdError("Unable to decode ID: not in canonical form");
  }
  return { table, unique };
}

/** The table number in an id, or null when the text is no id. */
export function tableNumberOf(id: string): number | null {
  try {
    return decodeId(id).table;
  } catch {
    return null;
  }
}

/** 14 random bytes and the day, so that ids of one day share their end and never a prefix. */
export function newId(table: number, nowMs: number): string {
  const unique = new Uint8Array(UNIQUE_BYTES);
  randomFillSync(unique, 0, UNIQUE_BYTES - 2);
  const day = Math.floor(nowMs / MS_PER_DAY);
  unique[UNIQUE_BYTES - 2] = (day >> 8) & 0xff;
  unique[UNIQUE_BYTES - 1] = day & 0xff;
  return encodeId(table, unique);
}

/** Fletcher-16 with both sums wrapping at 256. */
function checksum(bytes: readonly number[]): [number, number] {
  let sum = 0;
  let sumOfSums = 0;
  for (const byte of bytes) {
    sum = (sum + byte) & 0xff;
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

function fromBase32(text: string): number[] {
  const bytes: number[] = [];
  let pending = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = digitOf[text.charCodeAt(i)] ?? -1;
    if (digit < 0) throw new IdError(`Unable to decode ID: Invalid character '${text.charAt(i)}'`);
    pending = (pending << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((pending >> bits) & 0xff);
      pending &= (1 << bits) - 1;
    }
  }
  return bytes;
}
