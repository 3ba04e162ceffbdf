/**
 * Whether this thread is running pushed code right now, and what that code's world is. Exactly one execution runs at a
 * time; its facilities stay active over its awaits, and engine code called in between steps out of them.
 */
import type { ConsoleLines } from "../console-lines.ts";
import type { SeededRandom } from "./random.ts";

/** The outside world of one execution, or of the evaluation of a module. */
export interface Facilities {
  phase: "import" | "query" | "mutation";
  nowMs: number;
  random: SeededRandom;
  lines: ConsoleLines | null;
  readEnvironment(name: string): void;
  /** Native work started by pushed code which the execution must outlive. */
  follow(work: Promise<unknown>): void;
}

let active: Facilities | null = null;

/** Null while the engine's own code runs. */
export function activeFacilities(): Facilities | null {
  return active;
}

export function activate(facilities: Facilities | null): void {
  active = facilities;
}

/** Runs engine code called from pushed code, or between its steps. */
export function asEngine<T>(run: () => T): T {
  const interrupted = active;
  active = null;
  try {
    return run();
  } finally {
    active = interrupted;
  }
}

export function refusal(facility: string): Error {
  return new Error(
    active?.phase === "import"
      ? `${facility} unsupported at import time`
      : `Can't use ${facility} in queries and mutations. Please consider using an action. ` +
          `See https://docs.convex.dev/functions/actions for more details.`,
  );
}
