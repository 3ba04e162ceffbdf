/** `TimeRanges` for a reel put together from several media elements; the browser's own cannot be constructed. */
export class ReelTimeRanges implements TimeRanges {
  readonly #ranges: [number, number][];

  /** Ranges may overlap and come in any order; joints closer than `tolerance` seconds count as continuous. */
  constructor(ranges: [number, number][], tolerance = 0.1) {
    const merged: [number, number][] = [];
    for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
      const last = merged.at(-1);
      if (last && start <= last[1] + tolerance) last[1] = Math.max(last[1], end);
      else merged.push([start, end]);
    }
    this.#ranges = merged;
  }

  get length(): number {
    return this.#ranges.length;
  }

  start(index: number): number {
    return this.#at(index)[0];
  }

  end(index: number): number {
    return this.#at(index)[1];
  }

  #at(index: number): [number, number] {
    const range = this.#ranges[index];
    if (!range) throw new RangeError(`there are ${this.length} ranges, no index ${index}`);
    return range;
  }
}
