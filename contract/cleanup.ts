/** Removing stored assets by their keys: what becomes of each. */

/**
 * - `queued`: no record of it is shown any more; the object goes to quarantine after grace, unless it is used again.
 * - `refused`: it is current, on its way, or shown somewhere; or deletes are frozen.
 * - `gone`: it was removed before.
 * - `unrecorded`: no record has this key, and no tenant's folder holds it.
 * - `unknown`: nothing of yours.
 */
export type CleanupOutcome = "queued" | "refused" | "gone" | "unrecorded" | "unknown";

export interface CleanedKey {
  s3Key: string;
  outcome: CleanupOutcome;
  /** Versions in the history that were given up with it, or would be. */
  versions: number;
  /** Why it was refused. */
  why?: string;
}
