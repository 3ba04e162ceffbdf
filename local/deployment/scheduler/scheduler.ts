/**
 * The clock of scheduled functions and crons: fires each timer when it is due. What a timer stands for, and whether there
 * is still anything to do, is known to the transaction worker; this file holds times only.
 */
import type { TimerChange } from "../runtime/transaction-messages.ts";

/** setTimeout's own limit is below 25 days. */
const longestSleepMs = 3_600_000;
const maxConcurrent = 8;

export class Scheduler {
  readonly #due = new Map<string, number>();
  readonly #firing = new Set<string>();
  readonly #fire: (timer: string) => Promise<void>;
  #wake: NodeJS.Timeout | null = null;
  #wakeAtMs = Infinity;
  #isClosed = false;

  /** `fire` never rejects. */
  constructor(fire: (timer: string) => Promise<void>) {
    this.#fire = fire;
  }

  change(changes: readonly TimerChange[]): void {
    for (const [timer, dueMs] of changes) {
      if (dueMs === null) this.#due.delete(timer);
      else {
        this.#due.set(timer, dueMs);
        this.#sleepUntil(dueMs);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#wake) clearTimeout(this.#wake);
  }

  #sleepUntil(dueMs: number): void {
    if (this.#isClosed || dueMs >= this.#wakeAtMs) return;
    if (this.#wake) clearTimeout(this.#wake);
    this.#wakeAtMs = dueMs;
    this.#wake = setTimeout(() => this.#fireDue(), Math.min(Math.max(0, dueMs - Date.now()), longestSleepMs));
  }

  #fireDue(): void {
    this.#wakeAtMs = Infinity;
    if (this.#isClosed) return;
    const nowMs = Date.now();
    let nextMs = Infinity;
    const due: [timer: string, dueMs: number][] = [];
    for (const [timer, dueMs] of this.#due) {
      if (dueMs <= nowMs) due.push([timer, dueMs]);
      else nextMs = Math.min(nextMs, dueMs);
    }
    due.sort(([, a], [, b]) => a - b);
    for (const [timer] of due) {
      // The end of one that runs looks again.
      if (this.#firing.size >= maxConcurrent) return;
      if (this.#firing.has(timer)) continue;
      this.#due.delete(timer);
      this.#firing.add(timer);
      void this.#fire(timer).then(() => {
        this.#firing.delete(timer);
        this.#sleepUntil(0);
      });
    }
    this.#sleepUntil(nextMs);
  }
}
