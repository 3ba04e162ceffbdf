/** What is uploaded: bytes that follow from the schedule's seed and a number, so that everybody can name their hash. */
import { createCipheriv, createHash } from "node:crypto";

export interface Content {
  seed: number;
  content: number;
  size: number;
}

export function bytesOf({ seed, content, size }: Content): Buffer {
  const key = createHash("sha256").update(`chaos/${seed}/${content}`).digest().subarray(0, 16);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
