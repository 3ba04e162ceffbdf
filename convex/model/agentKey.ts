/** Agent keys: `rsk_` and 32 random bytes. High entropy, so one SHA-256 is enough to store them by. */
const PREFIX = "rsk_";

export function newAgentKey(): string {
  return PREFIX + hex(crypto.getRandomValues(new Uint8Array(32)));
}

export async function hashAgentKey(key: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
