/** Turns bytes and phases into the numbers a progress bar shows. */
import { callGuarded } from "./events.ts";

export type Phase = "hashing" | "uploading" | "verifying" | "syncing" | "done";

export interface Progress {
  phase: Phase;
  /** Bytes of the present phase; equal to `total` in the phases that move none. */
  loaded: number;
  /** Size of the asset; 0 while a stream's length is not known yet. */
  total: number;
  /** Mean over the phase so far. */
  bytesPerSecond: number;
  /** Time left of the phase; absent while it cannot be told. */
  etaMs?: number;
  /** 1 until something had to be repeated. */
  attempt: number;
}

export interface ProgressMeter {
  phase: (phase: Phase, total: number, loaded?: number) => void;
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
    const bytesPerSecond = seconds > 0 ? Math.round(loaded / seconds) : 0;
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
    phase(phase, size, already = phase === "hashing" || phase === "uploading" ? 0 : size) {
      current = phase;
      total = size;
      loaded = already;
      since = performance.now();
      report();
    },
    advance(bytes) {
      loaded += bytes;
      report();
    },
  };
}
