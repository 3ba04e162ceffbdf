/** Turns bytes and phases into the numbers a progress bar shows. */
import { callGuarded } from "./events.ts";

/** `downloading` is of helpers that read from the bucket. */
export type Phase = "downloading" | "hashing" | "uploading" | "verifying" | "syncing" | "done";

export interface Progress {
  phase: Phase;
  /** Bytes of the present phase; equal to `total` in the phases that move none. */
  loaded: number;
  /** Size of the asset; 0 while a stream's length is not known yet. */
  total: number;
  /** Mean over the phase so far; 0 in the phases that move none. */
  bytesPerSecond: number;
  /** Time left of the phase; absent while it cannot be told. */
  etaMs?: number;
  /** 1 until something had to be repeated. */
  attempt: number;
}

const MOVES_BYTES: ReadonlySet<Phase> = new Set<Phase>(["downloading", "hashing", "uploading"]);

export interface ProgressMeter {
  phase: (phase: Phase, total: number) => void;
  advance: (bytes: number) => void;
}

export function createProgressMeter(
  listener: ((progress: Progress) => void) | undefined,
  attempt: () => number,
): ProgressMeter {
  let current: Phase = "hashing";
  let loaded = 0;
  let total = 0;
  let since = performance.now();

  function report() {
    if (listener === undefined) return;
    const seconds = (performance.now() - since) / 1000;
    const bytesPerSecond = seconds > 0 && MOVES_BYTES.has(current) ? Math.round(loaded / seconds) : 0;
    const left = total - loaded;
    callGuarded(listener, {
      phase: current,
      loaded,
      total,
      bytesPerSecond,
      ...(bytesPerSecond > 0 && total > 0 && { etaMs: Math.round((left / bytesPerSecond) * 1000) }),
      attempt: attempt(),
    });
  }

  return {
    phase(phase, size) {
      current = phase;
      total = size;
      loaded = MOVES_BYTES.has(phase) ? 0 : size;
      since = performance.now();
      report();
    },
    advance(bytes) {
      loaded += bytes;
      report();
    },
  };
}
