/**
 * The three CRCs of S3. CRC-32 is native (zlib); CRC-32C and CRC-64/NVME have no native form in Node and use
 * slicing-by-eight tables. `combineCrc` derives the CRC of a concatenation from the CRCs of its pieces, which is how
 * a multipart upload gets a full-object checksum without anybody reading the object again.
 */
import { crc32 } from "node:zlib";

/** All three are reflected, start from all ones and invert the result. */
export interface CrcParameters {
  width: 32 | 64;
  /** Reversed (least significant bit first) polynomial. */
  polynomial: bigint;
}

export const CRC32: CrcParameters = { width: 32, polynomial: 0xedb88320n };
export const CRC32C: CrcParameters = { width: 32, polynomial: 0x82f63b78n };
export const CRC64NVME: CrcParameters = { width: 64, polynomial: 0x9a6c9329ac4bc9b5n };

export interface Crc {
  update(chunk: Uint8Array): void;
  digest(): Buffer;
}

export class NativeCrc32 implements Crc {
  #value = 0;

  update(chunk: Uint8Array): void {
    this.#value = crc32(chunk, this.#value);
  }

  digest(): Buffer {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(this.#value >>> 0);
    return digest;
  }
}

/** `tables[k][b]`: the CRC of byte b followed by k zero bytes, split in halves because 64 bits do not fit a number. */
interface SlicingTables {
  low: Uint32Array;
  high: Uint32Array;
}

const SLICES = 8;

function buildTables({ width, polynomial }: CrcParameters): SlicingTables {
  const low = new Uint32Array(SLICES * 256);
  const high = new Uint32Array(SLICES * 256);
  const values: bigint[] = [];
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (value & 1n ? polynomial : 0n);
    values.push(value);
  }
  for (let slice = 0; slice < SLICES; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      let value = values[byte]!;
      for (let zeros = 0; zeros < slice; zeros++) value = (value >> 8n) ^ values[Number(value & 0xffn)]!;
      low[slice * 256 + byte] = Number(value & 0xffffffffn);
      high[slice * 256 + byte] = width === 64 ? Number(value >> 32n) : 0;
    }
  }
  return { low, high };
}

export class Crc32c implements Crc {
  static #tables: Uint32Array | undefined;
  #value = 0xffffffff;

  update(chunk: Uint8Array): void {
    const table = (Crc32c.#tables ??= buildTables(CRC32C).low);
    let crc = this.#value;
    let at = 0;
    for (const end = chunk.length - 7; at < end; at += 8) {
      crc ^= chunk[at]! | (chunk[at + 1]! << 8) | (chunk[at + 2]! << 16) | (chunk[at + 3]! << 24);
      crc =
        table[1792 + (crc & 255)]! ^
        table[1536 + ((crc >>> 8) & 255)]! ^
        table[1280 + ((crc >>> 16) & 255)]! ^
        table[1024 + (crc >>> 24)]! ^
        table[768 + chunk[at + 4]!]! ^
        table[512 + chunk[at + 5]!]! ^
        table[256 + chunk[at + 6]!]! ^
        table[chunk[at + 7]!]!;
    }
    for (; at < chunk.length; at++) crc = table[(crc ^ chunk[at]!) & 255]! ^ (crc >>> 8);
    this.#value = crc;
  }

  digest(): Buffer {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(~this.#value >>> 0);
    return digest;
  }
}

export class Crc64Nvme implements Crc {
  static #tables: SlicingTables | undefined;
  #low = -1;
  #high = -1;

  update(chunk: Uint8Array): void {
    const { low: lows, high: highs } = (Crc64Nvme.#tables ??= buildTables(CRC64NVME));
    let low = this.#low;
    let high = this.#high;
    let at = 0;
    for (const end = chunk.length - 7; at < end; at += 8) {
      low ^= chunk[at]! | (chunk[at + 1]! << 8) | (chunk[at + 2]! << 16) | (chunk[at + 3]! << 24);
      high ^= chunk[at + 4]! | (chunk[at + 5]! << 8) | (chunk[at + 6]! << 16) | (chunk[at + 7]! << 24);
      const i7 = 1792 + (low & 255);
      const i6 = 1536 + ((low >>> 8) & 255);
      const i5 = 1280 + ((low >>> 16) & 255);
      const i4 = 1024 + (low >>> 24);
      const i3 = 768 + (high & 255);
      const i2 = 512 + ((high >>> 8) & 255);
      const i1 = 256 + ((high >>> 16) & 255);
      const i0 = high >>> 24;
      low = lows[i7]! ^ lows[i6]! ^ lows[i5]! ^ lows[i4]! ^ lows[i3]! ^ lows[i2]! ^ lows[i1]! ^ lows[i0]!;
      high =
        highs[i7]! ^ highs[i6]! ^ highs[i5]! ^ highs[i4]! ^ highs[i3]! ^ highs[i2]! ^ highs[i1]! ^ highs[i0]!;
    }
    for (; at < chunk.length; at++) {
      const index = (low ^ chunk[at]!) & 255;
      low = ((low >>> 8) | (high << 24)) ^ lows[index]!;
      high = (high >>> 8) ^ highs[index]!;
    }
    this.#low = low;
    this.#high = high;
  }

  digest(): Buffer {
    const digest = Buffer.alloc(8);
    digest.writeUInt32BE(~this.#high >>> 0, 0);
    digest.writeUInt32BE(~this.#low >>> 0, 4);
    return digest;
  }
}

/** Product of two polynomials over GF(2), modulo the CRC's; bit `width - 1` holds the coefficient of x^0. */
function multiply(a: bigint, b: bigint, { width, polynomial }: CrcParameters): bigint {
  let product = 0n;
  let power = b;
  for (let bit = 1n << BigInt(width - 1); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= power;
    power = power & 1n ? (power >> 1n) ^ polynomial : power >> 1n;
  }
  return product;
}

/** x^(8·byteCount): what appending that many bytes multiplies a CRC by. Parts mostly share one size, hence the cache. */
const shiftCache = new Map<string, bigint>();

function shiftBy(byteCount: number, parameters: CrcParameters): bigint {
  const cacheKey = `${parameters.polynomial}:${byteCount}`;
  const cached = shiftCache.get(cacheKey);
  if (cached !== undefined) return cached;

  const one = 1n << BigInt(parameters.width - 1);
  let shift = one;
  let square = one >> 8n;
  for (let remaining = byteCount; remaining > 0; remaining = Math.floor(remaining / 2)) {
    if (remaining % 2 === 1) shift = multiply(shift, square, parameters);
    square = multiply(square, square, parameters);
  }
  if (shiftCache.size > 256) shiftCache.clear();
  shiftCache.set(cacheKey, shift);
  return shift;
}

/** CRC of `first ‖ second`, from the CRC of each and the length of the second. */
export function combineCrc(
  first: Buffer,
  second: Buffer,
  secondSize: number,
  parameters: CrcParameters,
): Buffer {
  const shifted = multiply(BigInt(`0x${first.toString("hex")}`), shiftBy(secondSize, parameters), parameters);
  const combined = shifted ^ BigInt(`0x${second.toString("hex")}`);
  return Buffer.from(combined.toString(16).padStart(parameters.width / 4, "0"), "hex");
}
