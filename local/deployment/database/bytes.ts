/** One copy into memory of its own (`Buffer.concat` takes pooled memory for small results). */
export function concatBytes(...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = Buffer.allocUnsafeSlow(length);
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

const ZERO = new Uint8Array(1);

/** The least key greater than this one. */
export function justAfter(key: Uint8Array): Uint8Array {
  return concatBytes(key, ZERO);
}
