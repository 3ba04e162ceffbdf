/** Small statistics for benchmarks: what is printed is always a median or a percentile of several runs, and a ratio. */
export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new RangeError("no values to take a percentile of");
  return value;
}

export const median = (values: number[]): number => percentile(values, 0.5);

/** Runs the sides in turn, forward and backward, so that a slow minute of the machine hits all of them. */
export async function alternate<Result>(
  sides: Record<string, () => Promise<Result>>,
  rounds: number,
): Promise<Record<string, Result[]>> {
  const results: Record<string, Result[]> = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = Object.entries(sides);
    if (round % 2 === 1) order.reverse();
    for (const [name, run] of order) results[name]?.push(await run());
  }
  return results;
}
