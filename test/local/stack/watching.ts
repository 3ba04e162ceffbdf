/** Waiting for what a subscription shows, without polling: every update is looked at as it comes. */
export class Watching<T> {
  readonly seen: T[] = [];
  readonly #waiting = new Set<{ match: (value: T) => boolean; resolve: (value: T) => void }>();

  readonly update = (value: T): void => {
    this.seen.push(value);
    for (const waiting of this.#waiting) {
      if (!waiting.match(value)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(value);
    }
  };

  /** The newest value if it matches, else the first one that does. */
  until(match: (value: T) => boolean): Promise<T> {
    const newest = this.seen.at(-1);
    if (newest !== undefined && match(newest)) return Promise.resolve(newest);
    return new Promise((resolve) => this.#waiting.add({ match, resolve }));
  }
}
