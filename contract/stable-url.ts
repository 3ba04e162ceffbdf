/**
 * What makes the URL of an object the same for everybody who asks for it: the moment it is signed at. The deployment
 * signs for players and the SDK for agents, each on its own; both take the moment from here. No zod: pure.
 */
import { SECOND } from "./limits.ts";

/** The part of a URL's life in which it stays byte-identical. */
const WINDOW_SHARE = 0.5;

/**
 * Latest start of this object's window that is not in the future, in whole seconds because a signature's date has no
 * smaller unit. Windows of different objects start at different moments, so that not every player renews at once.
 */
export function windowStart(s3Key: string, now: number, presignSeconds: number): number {
  const window = Math.floor(presignSeconds * WINDOW_SHARE);
  const jitter = hash(s3Key) % window;
  const seconds = Math.floor(now / SECOND);
  return (Math.floor((seconds - jitter) / window) * window + jitter) * SECOND;
}

/** FNV-1a, 32 bits: spreads keys over the window, nothing more. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

/** The object behind a public address of the bucket: nothing to sign, nothing that ends. */
export function publicUrl(base: string, s3Key: string): string {
  return `${base.replace(/\/+$/, "")}/${s3Key.split("/").map(encodeURIComponent).join("/")}`;
}
