/** Which keys an object may get. The same for every backend, so that a tree can always be moved between them. */
import { MAX_KEY_BYTES } from "../../../contract/limits.ts";
import { ReelsyncError } from "../errors.ts";

/** Below the folder of a local tree, what is no object; nowhere a key. */
export const OWN_FOLDER = ".reelsync";

/** Longest name common file systems take, less the room for what a draft of it is called. */
const MAX_SEGMENT_BYTES = 240;

/**
 * A key is a relative path: what is empty, absolute, climbs, or cannot be a file's name somewhere is refused. Objects that
 * others put into a bucket may have other keys; those can be read there, but never written.
 */
export function assertWritableKey(key: string): void {
  assertKeyLength(key);
  if (/[\u0000-\u001f\u007f]/.test(key)) throw invalid(key, "holds a control character");
  if (key.includes("\\")) throw invalid(key, 'holds a "\\"');
  if (key === OWN_FOLDER || key.startsWith(`${OWN_FOLDER}/`)) throw invalid(key, "is the storage's own");
  for (const segment of key.split("/")) {
    if (segment === "") throw invalid(key, 'begins or ends with "/", or holds "//"');
    if (segment === "." || segment === "..") throw invalid(key, `holds the segment "${segment}"`);
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) {
      throw invalid(key, `has a segment of more than ${MAX_SEGMENT_BYTES} bytes`);
    }
  }
}

export function assertKeyLength(key: string): void {
  if (key === "") throw new ReelsyncError("INVALID_ARGUMENT", "The key is empty");
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) throw invalid(key, `has ${bytes} bytes, at most ${MAX_KEY_BYTES} are allowed`);
  if (Buffer.from(key).toString() !== key) throw invalid(key, "is no well-formed Unicode");
}

function invalid(key: string, why: string): ReelsyncError {
  const shown = key.length > 80 ? `${key.slice(0, 80)}…` : key;
  return new ReelsyncError("INVALID_ARGUMENT", `The key ${JSON.stringify(shown)} ${why}`);
}

export function notFound(key: string): ReelsyncError {
  return new ReelsyncError("NOT_FOUND", `No object has the key ${JSON.stringify(key)}`);
}
