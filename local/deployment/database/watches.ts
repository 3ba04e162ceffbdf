/** The read sets of live queries, arranged so that a commit finds the ones it touches without visiting the others. */
import type { ReadSet } from "./database.ts";
import { IntervalTree } from "./interval-tree.ts";

export class Watches {
  private readonly reads = new Map<number, ReadSet>();
  private readonly byIndex = new Map<string, IntervalTree>();
  private readonly byVariable = new Map<string, Set<number>>();

  set(watch: number, reads: ReadSet): void {
    this.delete(watch);
    this.reads.set(watch, reads);
    for (const interval of reads.intervals) {
      let tree = this.byIndex.get(interval.index);
      if (!tree) this.byIndex.set(interval.index, (tree = new IntervalTree()));
      tree.add(interval, watch);
    }
    for (const name of reads.environment) {
      let watches = this.byVariable.get(name);
      if (!watches) this.byVariable.set(name, (watches = new Set()));
      watches.add(watch);
    }
  }

  delete(watch: number): void {
    const reads = this.reads.get(watch);
    if (!reads) return;
    this.reads.delete(watch);
    for (const interval of reads.intervals) {
      const tree = this.byIndex.get(interval.index);
      tree?.remove(interval, watch);
      if (tree?.isEmpty) this.byIndex.delete(interval.index);
    }
    for (const name of reads.environment) {
      const watches = this.byVariable.get(name);
      watches?.delete(watch);
      if (watches?.size === 0) this.byVariable.delete(name);
    }
  }

  all(): number[] {
    return [...this.reads.keys()];
  }

  /** Adds the watches that depend on a key of an index. */
  collectByKey(index: string, key: Uint8Array, touched: Set<number>): void {
    this.byIndex.get(index)?.collect(key, touched);
  }

  collectByVariable(name: string, touched: Set<number>): void {
    for (const watch of this.byVariable.get(name) ?? []) touched.add(watch);
  }
}
