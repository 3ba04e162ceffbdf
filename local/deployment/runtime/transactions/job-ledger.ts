/**
 * Scheduled functions that a mutation added or settled, until its commit writes them down. The ledger follows
 * sub-transactions: what a failed nested call scheduled is forgotten with its writes.
 */
import type { Json } from "../../values/json.ts";

export interface JobRow {
  [field: string]: Json;
  dueMs: number;
  running: boolean;
}

/** Null: nothing is left to do for this job. */
export type JobChange = [id: string, row: JobRow | null];

export class JobLedger {
  #changes = new Map<string, JobRow | null>();

  set(id: string, row: JobRow | null): void {
    this.#changes.set(id, row);
  }

  savepoint(): { rollback(): void } {
    const before = new Map(this.#changes);
    return {
      rollback: () => {
        this.#changes = before;
      },
    };
  }

  changes(): JobChange[] {
    return [...this.#changes];
  }
}
