/** Medians as tables and as ratios. */
import { median } from "../measure.ts";
import type { RunResult } from "./upload-run.ts";

export interface SideFigures {
  seconds: number;
  cpuSeconds: number;
  peakRssMib: number;
  /** Of the wall time, against the sides that are a yardstick. */
  ratios: Record<string, number>;
}

export function figuresOf(
  results: Record<string, RunResult[]>,
  yardsticks: Record<string, string>,
): Record<string, SideFigures> {
  const of = (side: string, what: keyof RunResult) => median((results[side] ?? []).map((one) => one[what]));
  return Object.fromEntries(
    Object.keys(results).map((side) => [
      side,
      {
        seconds: rounded(of(side, "seconds"), 3),
        cpuSeconds: rounded(of(side, "cpuSeconds"), 3),
        peakRssMib: Math.round(of(side, "peakRssMib")),
        ratios: Object.fromEntries(
          Object.entries(yardsticks)
            .filter(([, yardstick]) => results[yardstick] !== undefined)
            .map(([name, yardstick]) => [name, rounded(of(side, "seconds") / of(yardstick, "seconds"), 2)]),
        ),
      },
    ]),
  );
}

export function printFigures(title: string, figures: Record<string, SideFigures>): void {
  console.log(`\n${title}`);
  console.table(
    Object.fromEntries(
      Object.entries(figures).map(([side, { seconds, cpuSeconds, peakRssMib, ratios }]) => [
        side,
        {
          seconds,
          "CPU seconds": cpuSeconds,
          "peak RSS MiB": peakRssMib,
          ...Object.fromEntries(Object.entries(ratios).map(([name, ratio]) => [`× ${name}`, ratio])),
        },
      ]),
    ),
  );
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
