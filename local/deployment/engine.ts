/**
 * What the two doors (HTTP and WebSocket) may ask of a running deployment. The doors know requests, sockets and
 * tokens; the engine knows functions, transactions and time. Nothing here mentions HTTP or a socket.
 *
 * All values cross this line as Convex JSON (protocol: `{"$integer": …}` and friends): arguments parsed, results as text.
 */
import type { Json } from "./values/json.ts";

/** Attributes a function sees from `ctx.auth.getUserIdentity()`; always has tokenIdentifier, issuer, subject. */
export type UserIdentity = { tokenIdentifier: string; issuer: string; subject: string } & Record<
  string,
  Json
>;

export type Caller =
  | { kind: "none" }
  | { kind: "user"; identity: UserIdentity; expiresAtMs: number }
  | { kind: "admin"; actingAs?: UserIdentity };

export interface FunctionCall {
  /** `dir/file:fn`, any spelling a client may send. */
  path: string;
  /** One-element array with the arguments object, or the object itself. */
  args: Json;
  caller: Caller;
  requestId: string;
}

export type Outcome =
  /** `json` is text: most results are passed on and never looked into. */
  | { ok: true; json: string; logLines: string[] }
  | { ok: false; errorMessage: string; errorData?: Json; logLines: string[] };

export interface QueryRequest extends FunctionCall {
  journal: string | null;
  /** Keep the read set of this run, so that a commit which intersects it names this watch. Replaces an earlier set. */
  watch?: number;
}

export interface QueryResult {
  outcome: Outcome;
  journal: string | null;
}

export interface MutationRequest extends FunctionCall {
  /** Where the sync protocol deduplicates: the stored answer is returned when this pair has committed before. */
  dedupe?: { sessionId: string; requestId: number };
}

export interface AuthProviders {
  providers: (
    | { type: "oidc"; domain: string; applicationID: string }
    | {
        type: "customJwt";
        issuer: string;
        jwks: string;
        algorithm: "RS256" | "ES256";
        applicationID?: string;
      }
  )[];
}

export interface CommitNotice {
  ts: bigint;
  /** Watches whose read set the commit touched. */
  watches: number[];
}

export interface LogEntry {
  kind: "Completion";
  identifier: string;
  udfType: "Query" | "Mutation" | "Action" | "HttpAction";
  /** Seconds. */
  timestamp: number;
  executionTime: number;
  requestId: string;
  logLines: string[];
  error?: string;
}

export interface Engine {
  /** Runs every query at one committed snapshot, whose timestamp is returned. */
  queries(requests: QueryRequest[]): Promise<{ ts: bigint; results: QueryResult[] }>;
  /** Serializable; `ts` is null when nothing committed (the function failed). */
  mutation(request: MutationRequest): Promise<{ outcome: Outcome; ts: bigint | null }>;
  action(call: FunctionCall): Promise<Outcome>;
  /** Any function type by path, internal ones included; the caller must be admin. */
  anyFunction(call: FunctionCall): Promise<Outcome>;
  httpAction(request: Request, caller: Caller): Promise<Response>;

  /** Newest committed timestamp, nanoseconds since the epoch, never decreasing, also across restarts. */
  latestTs(): bigint;
  onCommit(listener: (notice: CommitNotice) => void): () => void;
  unwatch(watches: number[]): void;

  authProviders(): AuthProviders;
  /** Deployment variables, as the CLI's `env` commands read and write them. A change re-runs the queries that read it. */
  environment(): Promise<{ name: string; value: string }[]>;
  changeEnvironment(changes: { name: string; value: string | null }[]): Promise<void>;

  /** The CLI's push, steps as the protocol names them; bodies are the decoded JSON of the deploy2 routes. */
  push: {
    configHashes(): Promise<Json>;
    start(body: Json): Promise<Json>;
    waitForSchema(body: Json): Promise<Json>;
    finish(body: Json): Promise<Json>;
  };

  /** Entries after `cursor` (milliseconds); waits up to `waitMs` for the first one. */
  logs(cursor: number, waitMs: number): Promise<{ entries: LogEntry[]; newCursor: number }>;
  close(): Promise<void>;
}

/** A request the deployment refuses before any function runs; becomes `{code, message}` with this status. */
export class RequestError extends Error {
  override name = "RequestError";
  constructor(
    readonly status: 400 | 401 | 403 | 404 | 409 | 503,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
