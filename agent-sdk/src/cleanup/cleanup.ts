/** Removing stored assets by their keys, through their records: the deployment decides, the bucket follows. */
import type { CleanedKey } from "../../../contract/cleanup.ts";
import { MAX_BATCH_ITEMS } from "../../../contract/limits.ts";
import { api } from "../../../convex/_generated/api.js";
import type { Call } from "../call.ts";
import type { CallConvex } from "../convex/convex-caller.ts";
import { ReelsyncError } from "../errors.ts";
import type { Guard } from "../resilience/guard.ts";

export interface CleanupOptions {
  /** Says what would become of each key, and changes nothing. */
  dryRun?: boolean;
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface Cleanup {
  /**
   * Removes versions of the history by their objects' keys; says of each key what came of it, in their order. What is current,
   * shown or on its way is refused. The objects go to quarantine after grace, and stay if their key is used again by then.
   */
  cleanupWithConvexSync: (keys: readonly string[], options?: CleanupOptions) => Promise<CleanedKey[]>;
}

export async function cleanUp(
  { convex, guard }: { convex: CallConvex; guard: Guard },
  keys: readonly string[],
  dryRun: boolean,
  call: Call,
): Promise<CleanedKey[]> {
  const given: unknown = keys;
  if (!Array.isArray(given) || !given.every((key) => typeof key === "string" && key !== "")) {
    throw new ReelsyncError("INVALID_ARGUMENT", "keys is no array of object keys");
  }
  const cleaned: CleanedKey[] = [];
  for (let at = 0; at < keys.length; at += MAX_BATCH_ITEMS) {
    const args = { s3Keys: keys.slice(at, at + MAX_BATCH_ITEMS), dryRun };
    cleaned.push(
      ...(await guard(call, "assets:cleanup", () => convex("mutation", api.assets.cleanup, args, call))),
    );
  }
  return cleaned;
}
