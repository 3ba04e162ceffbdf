/**
 * An engine of a few in-memory lists whose timing a test decides: what the real one does in microseconds can be held
 * open here, to see what a session does in between. Commits notify at once, as the real one does.
 */
import type {
  CommitNotice,
  Engine,
  FunctionCall,
  MutationRequest,
  Outcome,
  QueryRequest,
  QueryResult,
} from "../../../../local/deployment/engine.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";

type Gate = () => Promise<void>;

export class ScriptedEngine implements Engine {
  readonly lists = new Map<string, Json[]>();
  readonly #watches = new Map<number, string>();
  readonly #listeners = new Set<(notice: CommitNotice) => void>();
  readonly #answers = new Map<string, { outcome: Outcome; ts: bigint }>();
  #ts = 1000n;

  /** Every query that ran, by path. */
  readonly runs: string[] = [];
  readonly mutationsRun: string[] = [];
  /** Awaited before the snapshot is taken, and after it and before the results are handed over. */
  beforeSnapshot: Gate = async () => undefined;
  afterQueries: Gate = async () => undefined;
  /** Awaited before a mutation commits, and after it committed but before its caller hears of it. */
  beforeCommit: Gate = async () => undefined;
  afterCommit: Gate = async () => undefined;
  beforeAction: Gate = async () => undefined;
  failQueriesWith: Error | null = null;

  readonly push: Engine["push"] = {
    configHashes: async () => ({ config: {} }),
    start: async (body) => ({ started: body }),
    waitForSchema: async () => ({ type: "complete" }),
    finish: async () => ({ authDiff: { added: [], removed: [] } }),
  };
  providers: ReturnType<Engine["authProviders"]> = { providers: [] };

  latestTs(): bigint {
    return this.#ts;
  }

  onCommit(listener: (notice: CommitNotice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get watched(): number {
    return this.#watches.size;
  }

  unwatch(watches: number[]): void {
    for (const watch of watches) this.#watches.delete(watch);
  }

  /** Someone else's commit. */
  append(list: string, value: Json): bigint {
    this.lists.set(list, [...(this.lists.get(list) ?? []), value]);
    return this.commit(list);
  }

  commit(list: string): bigint {
    this.#ts += 1n;
    const watches = [...this.#watches].filter(([, watched]) => watched === list).map(([watch]) => watch);
    for (const listener of this.#listeners) listener({ ts: this.#ts, watches });
    return this.#ts;
  }

  /** What the real engine does when its worker had to be replaced: every watch is named, without a new timestamp. */
  loseReadSets(): void {
    const watches = [...this.#watches.keys()];
    this.#watches.clear();
    for (const listener of this.#listeners) listener({ ts: this.#ts, watches });
  }

  async queries(requests: QueryRequest[]): Promise<{ ts: bigint; results: QueryResult[] }> {
    await this.beforeSnapshot();
    if (this.failQueriesWith) throw this.failQueriesWith;
    const ts = this.#ts;
    const results = requests.map((request) => this.#query(request));
    await this.afterQueries();
    return { ts, results };
  }

  #query({ path, args, caller, watch, journal }: QueryRequest): QueryResult {
    this.runs.push(path);
    const [list = "", what] = path.split(":");
    if (watch !== undefined) this.#watches.set(watch, list);
    const values = this.lists.get(list) ?? [];
    const answer = (outcome: Outcome, nextJournal = journal) => ({ outcome, journal: nextJournal });
    switch (what) {
      case "list":
        return answer(success(values));
      case "count":
        return answer(success(values.length));
      case "echo":
        return answer(success(args, ["[LOG] 'echo'"]));
      case "page":
        return answer(success(journal ?? "no journal yet"), "end");
      case "me":
        return answer(success(caller.kind === "user" ? caller.identity.subject : caller.kind));
      case "failing":
        return answer({ ok: false, errorMessage: `failed with ${values.length}`, logLines: [] });
      default:
        return answer({
          ok: false,
          errorMessage: `Trying to execute ${path} as Query, but it is defined as Mutation.`,
          logLines: [],
        });
    }
  }

  async mutation({ path, args, dedupe }: MutationRequest): Promise<{ outcome: Outcome; ts: bigint | null }> {
    const key = dedupe && `${dedupe.sessionId}/${dedupe.requestId}`;
    const known = key === undefined ? undefined : this.#answers.get(key);
    if (known) return known;
    this.mutationsRun.push(path);
    await this.beforeCommit();
    const [list = "", what] = path.split(":");
    if (what === "refuse") {
      return {
        outcome: { ok: false, errorMessage: "refused", errorData: { code: "NO" }, logLines: [] },
        ts: null,
      };
    }
    const ts = this.append(list, args);
    const answer = { outcome: success(null), ts };
    if (key !== undefined) this.#answers.set(key, answer);
    await this.afterCommit();
    return answer;
  }

  async action({ args }: FunctionCall): Promise<Outcome> {
    await this.beforeAction();
    return success(args);
  }

  async anyFunction({ path }: FunctionCall): Promise<Outcome> {
    return success({ ran: path });
  }

  async httpAction(request: Request): Promise<Response> {
    const body = await request.text();
    return Response.json({ method: request.method, url: request.url, body });
  }

  authProviders() {
    return this.providers;
  }

  async environment() {
    return [];
  }

  async changeEnvironment(): Promise<void> {
    this.commit("environment");
  }

  async logs(cursor: number) {
    return { entries: [], newCursor: cursor };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }
}

function success(value: Json, logLines: string[] = []): Outcome {
  return { ok: true, json: JSON.stringify(value), logLines };
}

/** A gate that a test opens; `reached` tells that someone stands before it. */
export function gate(): Gate & { open: () => void; reached: Promise<void> } {
  let open!: () => void;
  let arrive!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  return Object.assign(
    () => {
      arrive();
      return opened;
    },
    { open, reached },
  );
}
