/** The SHA-256 of a file on disk, to compare it with what is stored before anything is sent. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

export async function hashPath(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, {
    ...(signal !== undefined && { signal }),
  });
  return hash.digest("hex");
}
