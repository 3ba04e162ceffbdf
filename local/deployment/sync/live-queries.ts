/**
 * The queries that sessions watch, each kept once however many sessions watch it, and run in common batches. Knows
 * from when until when a result is true; it does not know sockets, versions or messages.
 *
 * Relies on the engine calling `onCommit` listeners before anything else can see the commit's timestamp.
 */
import { randomBytes } from "node:crypto";
import { type Caller, type CommitNotice, type Engine, type QueryResult, RequestError } from "../engine.ts";
import { type Json, withMember } from "../values/json.ts";

export interface LiveResult {
  /** The members of the protocol's modification after `queryId`, encoded once for all sessions. */
  readonly text: string;
  /** First and last timestamp known at which the query has this result; `until` is exclusive, null while still true. */
  readonly from: bigint;
  until: bigint | null;
}

interface LiveCall {
  path: string;
  args: Json;
  caller: Caller;
  journal: string | null;
}

type Listener = () => void;

export class LiveQuery {
  readonly listeners = new Set<Listener>();
  result: LiveResult | null = null;
  /** What kept the last run from having any result: our fault, not the developer's. */
  failure: unknown = null;
  lastNotice = 0n;

  constructor(
    readonly call: LiveCall,
    readonly watch: number,
    public key: string,
  ) {}

  get isCurrent(): boolean {
    return this.result?.until === null;
  }
}

export class LiveQueries {
  readonly #engine: Engine;
  readonly #byKey = new Map<string, LiveQuery>();
  readonly #byWatch = new Map<number, LiveQuery>();
  readonly #stopListening: () => void;
  #nextWatch = 1;
  #nextBatch: { queries: Set<LiveQuery>; done: Promise<void> } | null = null;
  #lastBatch: Promise<void> = Promise.resolve();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#stopListening = engine.onCommit((notice) => this.#invalidate(notice));
  }

  /** `listener` is called whenever the result stops being true. */
  subscribe(call: LiveCall, listener: Listener): LiveQuery {
    const key = keyOf(call);
    let query = this.#byKey.get(key);
    if (!query) {
      query = new LiveQuery({ ...call }, this.#nextWatch++, key);
      this.#byKey.set(key, query);
      this.#byWatch.set(query.watch, query);
    }
    query.listeners.add(listener);
    return query;
  }

  unsubscribe(query: LiveQuery, listener: Listener): void {
    query.listeners.delete(listener);
    if (query.listeners.size > 0) return;
    if (this.#byKey.get(query.key) === query) this.#byKey.delete(query.key);
    this.#byWatch.delete(query.watch);
    this.#engine.unwatch([query.watch]);
  }

  /** Runs these queries, together with what others ask for meanwhile, at one snapshot. */
  refresh(queries: Iterable<LiveQuery>): Promise<void> {
    const batch = (this.#nextBatch ??= this.#scheduleBatch());
    for (const query of queries) batch.queries.add(query);
    return batch.done;
  }

  close(): void {
    this.#stopListening();
  }

  #scheduleBatch() {
    const queries = new Set<LiveQuery>();
    const done = this.#lastBatch.then(() => {
      this.#nextBatch = null;
      return this.#run([...queries].filter((query) => query.listeners.size > 0));
    });
    this.#lastBatch = done;
    return { queries, done };
  }

  async #run(batch: LiveQuery[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const { ts, results } = await this.#engine.queries(batch.map(requestOf));
      batch.forEach((query, index) => this.#settle(query, ts, results[index]!));
    } catch (error) {
      if (batch.length > 1) {
        // One refused query must not take the others, of other sessions, with it.
        for (const query of batch) await this.#run([query]);
      } else if (error instanceof RequestError && error.status < 500) {
        this.#settle(batch[0]!, this.#engine.latestTs(), refusal(error));
      } else {
        batch[0]!.failure = error;
      }
    }
  }

  #settle(query: LiveQuery, ts: bigint, result: QueryResult): void {
    if (query.listeners.size === 0) {
      // Everyone left while it ran, and the run has registered its read set again.
      this.#engine.unwatch([query.watch]);
      return;
    }
    query.failure = null;
    // Of a notice that came during the run only the newest is remembered: assume the worst about the others.
    query.result = { text: resultText(result), from: ts, until: query.lastNotice > ts ? ts + 1n : null };
    if (result.journal !== query.call.journal) this.#rekey(query, result.journal);
  }

  /** A page that has chosen its end is another query than one which has yet to choose. */
  #rekey(query: LiveQuery, journal: string | null): void {
    query.call.journal = journal;
    if (this.#byKey.get(query.key) === query) this.#byKey.delete(query.key);
    query.key = keyOf(query.call);
    if (!this.#byKey.has(query.key)) this.#byKey.set(query.key, query);
  }

  #invalidate({ ts, watches }: CommitNotice): void {
    for (const watch of watches) {
      const query = this.#byWatch.get(watch);
      if (!query) continue;
      query.lastNotice = ts;
      // A notice no newer than the result is not about a commit: the engine has lost the read set.
      const { result } = query;
      if (result?.until === null) result.until = ts > result.from ? ts : result.from + 1n;
      for (const listener of query.listeners) listener();
    }
  }
}

function requestOf({ call, watch }: LiveQuery) {
  return { ...call, watch, requestId: newRequestId() };
}

export function newRequestId(): string {
  return randomBytes(8).toString("hex");
}

function refusal(error: RequestError): QueryResult {
  return { outcome: { ok: false, errorMessage: error.message, logLines: [] }, journal: null };
}

function resultText({ outcome, journal }: QueryResult): string {
  const { logLines } = outcome;
  const text = outcome.ok
    ? withMember({ type: "QueryUpdated", logLines, journal }, "value", outcome.json)
    : JSON.stringify({
        type: "QueryFailed",
        errorMessage: outcome.errorMessage,
        logLines,
        // Absent when there is none: the client makes a ConvexError of anything that is there.
        errorData: outcome.errorData,
        journal,
      });
  return text.slice(1);
}

function keyOf({ path, args, caller, journal }: LiveCall): string {
  const who =
    caller.kind === "user"
      ? caller.identity
      : caller.kind === "admin"
        ? { admin: caller.actingAs ?? null }
        : null;
  return JSON.stringify([path, args, journal, who]);
}
