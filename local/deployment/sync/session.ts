/**
 * One connection of the sync protocol: checks versions, keeps the order of responses and transitions, and never runs
 * two mutations of a client at once. Knows no socket (`SyncSocket` is all it sees) and no database.
 *
 * The rules that matter most:
 *   every ModifyQuerySet, Authenticate and committed mutation is followed by a Transition that reaches it;
 *   a Transition starts where the one before it ended, and all its results are true at its end timestamp;
 *   the response to a mutation is sent before any Transition that may show the mutation.
 */
import type { Authenticator } from "../auth/authenticator.ts";
import { type Caller, type Engine, type Outcome, RequestError } from "../engine.ts";
import { type LiveQueries, newRequestId } from "./live-queries.ts";
import {
  type Authenticate,
  type ClientMessage,
  decodeTs,
  encodeTs,
  type FunctionMessage,
  type ModifyQuerySet,
  parseClientMessage,
  ProtocolError,
  type ServerMessage,
  type StateVersion,
  transitionText,
} from "./protocol.ts";
import { QuerySet } from "./query-set.ts";

export interface SyncSocket {
  send(text: string): void;
  /** Resolves when the client has taken what was sent, or the socket is gone. */
  writable(): Promise<void>;
  /** Frames already sent still go out. */
  close(code: number, reason: string): void;
}

export interface SyncContext {
  engine: Engine;
  authenticator: Authenticator;
  liveQueries: LiveQueries;
}

type Phase = { kind: "greeting" } | { kind: "open"; sessionId: string } | { kind: "closed" };

/** What is being done to end the silence after a change. */
type Pump = "idle" | "running";

interface QueuedMutation {
  message: FunctionMessage;
  caller: Caller;
  sessionId: string;
}

interface RunningMutation {
  /** Newest timestamp when it started: its commit is certainly later. */
  startedAt: bigint;
  responded: Promise<void>;
}

/** RFC 6455 status codes. */
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

const TOKEN_EXPIRY_TOLERANCE_MS = 5000;

export class SyncSession {
  #phase: Phase = { kind: "greeting" };
  #caller: Caller = { kind: "none" };
  #inbox: Promise<void> = Promise.resolve();

  #wanted = { querySet: 0, identity: 0 };
  #sent: StateVersion = { querySet: 0, identity: 0, ts: 0n };
  /** The next Transition may not end below this. */
  #floor = 0n;
  /** A committed mutation waits for a Transition, also when no query changed. */
  #owesTransition = false;
  #pump: Pump = "idle";
  #workLeft = false;

  readonly #mutations: QueuedMutation[] = [];
  #runningMutation: RunningMutation | null = null;
  #pendingActions = 0;
  readonly #queries: QuerySet;

  constructor(
    private readonly socket: SyncSocket,
    private readonly context: SyncContext,
  ) {
    this.#queries = new QuerySet(context.liveQueries, () => this.#wake());
  }

  /** Requests whose answer is outstanding. */
  get pending(): number {
    return this.#mutations.length + (this.#runningMutation ? 1 : 0) + this.#pendingActions;
  }

  receive(text: string): void {
    // One after the other: what follows an Authenticate is meant for the identity it brings.
    this.#inbox = this.#inbox
      .then(() => this.#handle(parseClientMessage(text)))
      .catch((error: unknown) => this.#fail(error));
  }

  /** The socket is gone. Mutations that have not started are dropped: the client sends them again. */
  closed(): void {
    this.#phase = { kind: "closed" };
    this.#mutations.length = 0;
    this.#queries.clear();
  }

  get #isClosed(): boolean {
    return this.#phase.kind === "closed";
  }

  async #handle(message: ClientMessage): Promise<void> {
    if (this.#phase.kind === "closed") return;
    if (message.type === "Connect") {
      this.#connect(message);
      return;
    }
    if (this.#phase.kind !== "open") throw new ProtocolError("The first message must be Connect.");
    switch (message.type) {
      case "Authenticate":
        return this.#authenticate(message);
      case "ModifyQuerySet": {
        this.#modifyQuerySet(message);
        return;
      }
      case "Mutation":
        this.#mutations.push({ message, caller: this.#caller, sessionId: this.#phase.sessionId });
        if (!this.#runningMutation) void this.#runMutations();
        return;
      case "Action":
        void this.#runAction(message, this.#caller);
        return;
      case "Event":
        return;
      default:
        message satisfies never;
    }
  }

  #connect(message: Extract<ClientMessage, { type: "Connect" }>): void {
    if (this.#phase.kind !== "greeting") throw new ProtocolError("Connect was sent twice.");
    const observed = message.maxObservedTimestamp ? decodeTs(message.maxObservedTimestamp) : 0n;
    if (observed > this.context.engine.latestTs()) {
      throw new ProtocolError("The client has seen a later state than this data has; reload the page.");
    }
    this.#floor = observed;
    this.#phase = { kind: "open", sessionId: message.sessionId };
  }

  async #authenticate(message: Authenticate): Promise<void> {
    this.#checkBase("identity", message.baseVersion);
    let caller: Caller;
    try {
      caller = await this.#callerOf(message);
    } catch (error) {
      if (!(error instanceof RequestError) || error.status === 503) throw error;
      this.#refuseToken(error.message, true);
      return;
    }
    if (this.#isClosed) return;
    this.#caller = caller;
    this.#wanted.identity = message.baseVersion + 1;
    this.#queries.changeCaller(caller);
    this.#wake();
  }

  async #callerOf(message: Authenticate): Promise<Caller> {
    switch (message.tokenType) {
      case "User":
        return this.context.authenticator.user(message.value);
      case "Admin":
        return this.context.authenticator.admin(message.value, message.impersonating ?? undefined);
      case "None":
        return { kind: "none" };
      default:
        return message satisfies never;
    }
  }

  #modifyQuerySet(message: ModifyQuerySet): void {
    this.#checkBase("querySet", message.baseVersion);
    if (message.newVersion <= message.baseVersion) {
      throw new ProtocolError("newVersion must be above baseVersion.");
    }
    this.#queries.apply(message.modifications, this.#caller);
    this.#wanted.querySet = message.newVersion;
    this.#wake();
  }

  #checkBase(member: "querySet" | "identity", base: number): void {
    const current = this.#wanted[member];
    if (base === current) return;
    throw new BaseVersionMismatch(
      `BaseVersionMismatch: the base version of the ${member} is ${base}, the server has ${current}.`,
    );
  }

  async #runMutations(): Promise<void> {
    for (let next = this.#mutations.shift(); next && !this.#isClosed; next = this.#mutations.shift()) {
      if (this.#tokenHasExpired(next.caller)) {
        this.#expire();
        return;
      }
      const startedAt = this.context.engine.latestTs();
      const responded = this.#runMutation(next).catch((error: unknown) => this.#fail(error));
      this.#runningMutation = { startedAt, responded };
      await responded;
    }
    this.#runningMutation = null;
  }

  async #runMutation({ message, caller, sessionId }: QueuedMutation): Promise<void> {
    const { requestId, udfPath: path, args } = message;
    const { outcome, ts } = await refusalAsOutcome(
      () =>
        this.context.engine.mutation({
          path,
          args,
          caller,
          requestId: newRequestId(),
          dedupe: { sessionId, requestId },
        }),
      (refused) => ({ outcome: refused, ts: null }),
    );
    const { logLines } = outcome;
    if (!outcome.ok) {
      this.#send({
        type: "MutationResponse",
        requestId,
        success: false,
        result: outcome.errorMessage,
        ts: null,
        logLines,
        ...errorData(outcome),
      });
      return;
    }
    const committed = ts ?? this.context.engine.latestTs();
    this.#send({
      type: "MutationResponse",
      requestId,
      success: true,
      result: outcome.value,
      ts: encodeTs(committed),
      logLines,
    });
    if (committed > this.#floor) this.#floor = committed;
    this.#owesTransition = true;
    this.#wake();
  }

  async #runAction(message: FunctionMessage, caller: Caller): Promise<void> {
    if (this.#tokenHasExpired(caller)) {
      this.#expire();
      return;
    }
    const { requestId, udfPath: path, args } = message;
    this.#pendingActions++;
    try {
      const outcome = await refusalAsOutcome(
        () => this.context.engine.action({ path, args, caller, requestId: newRequestId() }),
        (refused) => refused,
      );
      const { logLines } = outcome;
      this.#send(
        outcome.ok
          ? { type: "ActionResponse", requestId, success: true, result: outcome.value, logLines }
          : {
              type: "ActionResponse",
              requestId,
              success: false,
              result: outcome.errorMessage,
              logLines,
              ...errorData(outcome),
            },
      );
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#pendingActions--;
    }
  }

  #wake(): void {
    this.#workLeft = true;
    if (this.#pump === "running" || this.#isClosed) return;
    this.#pump = "running";
    // Not at once: this may be inside a commit, and one commit may make many queries stale.
    queueMicrotask(() => void this.#pumpTransitions());
  }

  async #pumpTransitions(): Promise<void> {
    try {
      while (this.#workLeft && !this.#isClosed) {
        await this.socket.writable();
        this.#workLeft = false;
        if (this.#tokenHasExpired(this.#caller)) this.#expire();
        else await this.#transition();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#pump = "idle";
    }
  }

  async #transition(): Promise<void> {
    // Grows only: with every query that has been outdated meanwhile run in one batch, the results of a batch agree,
    // so that a busy writer cannot keep the session from ever finding a common snapshot.
    const running = new Set(this.#queries.outdated());
    for (;;) {
      if (running.size > 0) await this.context.liveQueries.refresh(running);
      if (this.#isClosed) return;
      const validity = this.#queries.validity(this.#floor);
      if (validity.kind === "apart") {
        for (const query of validity.outdated) running.add(query);
        continue;
      }
      const end = validity.last ?? this.context.engine.latestTs();
      const mutation = this.#runningMutation;
      if (!mutation || end <= mutation.startedAt) {
        this.#sendTransition(end);
        return;
      }
      if (validity.first <= mutation.startedAt) {
        this.#sendTransition(mutation.startedAt);
        return;
      }
      // The results may already show the mutation, whose response has to go first.
      await mutation.responded;
      running.clear();
    }
  }

  #sendTransition(ts: bigint): void {
    const modifications = this.#queries.takeModifications();
    const { querySet, identity } = this.#wanted;
    const reachesVersion = querySet !== this.#sent.querySet || identity !== this.#sent.identity;
    if (modifications.length === 0 && !reachesVersion && !this.#owesTransition) return;
    const end = { querySet, identity, ts };
    this.socket.send(transitionText(this.#sent, end, modifications));
    this.#sent = end;
    this.#floor = ts;
    this.#owesTransition = false;
  }

  #send(message: ServerMessage): void {
    if (!this.#isClosed) this.socket.send(JSON.stringify(message));
  }

  #tokenHasExpired(caller: Caller): boolean {
    return caller.kind === "user" && Date.now() > caller.expiresAtMs + TOKEN_EXPIRY_TOLERANCE_MS;
  }

  #expire(): void {
    this.#refuseToken("The token has expired.", false);
  }

  #refuseToken(error: string, authUpdateAttempted: boolean): void {
    this.#send({ type: "AuthError", error, baseVersion: this.#wanted.identity, authUpdateAttempted });
    this.#close(POLICY_VIOLATION, "AuthError");
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    if (error instanceof BaseVersionMismatch) {
      this.#send({ type: "FatalError", error: error.message });
      this.#close(POLICY_VIOLATION, "BaseVersionMismatch");
    } else if (error instanceof ProtocolError) {
      this.#close(POLICY_VIOLATION, error.message);
    } else {
      // The prefix tells the client that trying again soon is sensible.
      const detail = error instanceof Error ? error.message : String(error);
      this.#close(INTERNAL_ERROR, `InternalServerError: ${detail}`);
    }
  }

  #close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.closed();
    this.socket.close(code, reason);
  }
}

class BaseVersionMismatch extends ProtocolError {}

/** A refused request is an answer to its sender; anything else is our own fault and passes on. */
async function refusalAsOutcome<T>(run: () => Promise<T>, answer: (refused: Outcome) => T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof RequestError) || error.status === 503) throw error;
    return answer({ ok: false, errorMessage: error.message, logLines: [] });
  }
}

function errorData(outcome: Extract<Outcome, { ok: false }>) {
  return outcome.errorData === undefined ? {} : { errorData: outcome.errorData };
}
