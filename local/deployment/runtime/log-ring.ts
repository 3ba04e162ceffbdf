/** The last function runs, for whoever follows the deployment's log. */
import type { LogEntry } from "../engine.ts";

const capacity = 1000;

interface Kept {
  cursor: number;
  entry: LogEntry;
}

export class LogRing {
  readonly #kept: Kept[] = [];
  readonly #waiting = new Set<() => void>();
  #lastCursor = 0;

  add(entry: LogEntry): void {
    // Strictly increasing, so that a reader's cursor never hides an entry of the same millisecond.
    this.#lastCursor = Math.max(this.#lastCursor + 0.001, Date.now());
    this.#kept.push({ cursor: this.#lastCursor, entry });
    if (this.#kept.length > capacity) this.#kept.shift();
    for (const wake of [...this.#waiting]) wake();
  }

  async after(cursor: number, waitMs: number): Promise<{ entries: LogEntry[]; newCursor: number }> {
    if (this.#lastCursor <= cursor && waitMs > 0) await this.#next(waitMs);
    const found = this.#kept.filter((kept) => kept.cursor > cursor);
    return {
      entries: found.map(({ entry }) => entry),
      newCursor: Math.max(cursor, found.at(-1)?.cursor ?? this.#lastCursor),
    };
  }

  /** Readers are told that there is nothing more. */
  close(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #next(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      this.#waiting.add(wake);
    });
  }
}
