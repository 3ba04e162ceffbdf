/**
 * The queries of one session and what its client was last told of each. Says which need running, and at which
 * timestamps all results hold at once; sends nothing.
 */
import type { Caller } from "../engine.ts";
import type { LiveQueries, LiveQuery } from "./live-queries.ts";
import { type ModifyQuerySet, ProtocolError } from "./protocol.ts";

interface Watched {
  live: LiveQuery;
  /** Text of the result the client has, to leave unchanged results out. */
  sent: string | null;
}

/** Timestamps at which every result of the set is true; `last` is null while that is still so. */
export type Validity =
  { kind: "together"; first: bigint; last: bigint | null } | { kind: "apart"; outdated: LiveQuery[] };

export class QuerySet {
  readonly #queries = new Map<number, Watched>();
  #removed: number[] = [];

  constructor(
    private readonly liveQueries: LiveQueries,
    private readonly onStale: () => void,
  ) {}

  apply(modifications: ModifyQuerySet["modifications"], caller: Caller): void {
    for (const modification of modifications) {
      if (modification.type === "Add") {
        const { queryId, udfPath: path, args, journal = null } = modification;
        if (this.#queries.has(queryId)) {
          throw new ProtocolError(`Query ${queryId} was added twice.`);
        }
        const live = this.liveQueries.subscribe({ path, args, caller, journal }, this.onStale);
        this.#queries.set(queryId, { live, sent: null });
      } else {
        const query = this.#queries.get(modification.queryId);
        if (!query) continue;
        this.#queries.delete(modification.queryId);
        this.#removed.push(modification.queryId);
        this.#leave(query.live);
      }
    }
  }

  /** Everything runs again as `caller`; the client hears only of what differs. */
  changeCaller(caller: Caller): void {
    for (const query of this.#queries.values()) {
      const previous = query.live;
      query.live = this.liveQueries.subscribe({ ...previous.call, caller }, this.onStale);
      if (query.live !== previous) this.#leave(previous);
    }
  }

  outdated(): LiveQuery[] {
    return this.#live().filter((live) => !live.isCurrent);
  }

  /** `earliest` is the timestamp below which the session may not go any more. */
  validity(earliest: bigint): Validity {
    const live = this.#live();
    const failed = live.find(({ failure }) => failure !== null);
    if (failed) throw failed.failure;
    const results = live.map(({ result }) => result);
    const first = results.reduce(
      (max, result) => (result && result.from > max ? result.from : max),
      earliest,
    );
    const outdated = live.filter(({ result }) => !result || (result.until !== null && result.until <= first));
    if (outdated.length > 0) return { kind: "apart", outdated };
    let last: bigint | null = null;
    for (const result of results) {
      const end = result?.until ?? null;
      if (end !== null && (last === null || end - 1n < last)) last = end - 1n;
    }
    return { kind: "together", first, last };
  }

  /** The modifications that bring the client to the current results, as JSON text. */
  takeModifications(): string[] {
    const modifications = this.#removed.map((queryId) => JSON.stringify({ type: "QueryRemoved", queryId }));
    this.#removed = [];
    for (const [queryId, query] of this.#queries) {
      const text = query.live.result?.text ?? null;
      if (text === null || text === query.sent) continue;
      query.sent = text;
      modifications.push(`{"queryId":${queryId},${text}`);
    }
    return modifications;
  }

  clear(): void {
    const watched = this.#live();
    this.#queries.clear();
    for (const live of watched) this.#leave(live);
  }

  #live(): LiveQuery[] {
    return [...this.#queries.values()].map(({ live }) => live);
  }

  #leave(live: LiveQuery): void {
    // Two queries of one client may be the same live query, and it has one listener for both.
    for (const query of this.#queries.values()) if (query.live === live) return;
    this.liveQueries.unsubscribe(live, this.onStale);
  }
}
