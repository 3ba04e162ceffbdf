/**
 * One connection of the sync protocol: what a client's messages mean, in their order, and when the connection ends.
 * Knows no socket (`SyncSocket` is all it sees) and no database.
 *
 * The rules that matter most:
 *   every ModifyQuerySet, Authenticate and committed mutation is followed by a Transition that reaches it;
 *   a Transition starts where the one before it ended, and all its results are true at its end timestamp;
 *   the response to a mutation is sent before any Transition that may show the mutation.
 */
import type { Authenticator } from "../auth/authenticator.ts";
import { type Caller, type Engine, RequestError } from "../engine.ts";
import { ClientCalls } from "./client-calls.ts";
import type { LiveQueries } from "./live-queries.ts";
import {
  type Authenticate,
  type ClientMessage,
  decodeTs,
  type ModifyQuerySet,
  parseClientMessage,
  ProtocolError,
  type ServerMessage,
} from "./protocol.ts";
import { QuerySet } from "./query-set.ts";
import type { SyncSocket } from "./sync-socket.ts";
import { Transitions } from "./transitions.ts";

export interface SyncContext {
  engine: Engine;
  authenticator: Authenticator;
  liveQueries: LiveQueries;
}

type Phase = { kind: "greeting" } | { kind: "open"; sessionId: string } | { kind: "closed" };

/** RFC 6455 status codes. */
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

const TOKEN_EXPIRY_TOLERANCE_MS = 5000;

export class SyncSession {
  #phase: Phase = { kind: "greeting" };
  #caller: Caller = { kind: "none" };
  #inbox: Promise<void> = Promise.resolve();
  #wanted = { querySet: 0, identity: 0 };
  readonly #queries: QuerySet;
  readonly #calls: ClientCalls;
  readonly #transitions: Transitions;

  constructor(
    private readonly socket: SyncSocket,
    private readonly context: SyncContext,
  ) {
    const failed = (error: unknown) => this.#fail(error);
    this.#queries = new QuerySet(context.liveQueries, () => this.#transitions.wake());
    this.#calls = new ClientCalls(context.engine, {
      send: (text) => this.#send(text),
      isEntitled: (caller) => this.#isEntitled(caller),
      committed: (ts) => this.#transitions.owe(ts),
      failed,
    });
    this.#transitions = new Transitions({
      socket,
      ...context,
      queries: this.#queries,
      wanted: () => this.#wanted,
      runningMutation: () => this.#calls.runningMutation,
      isEntitled: () => this.#isEntitled(this.#caller),
      failed,
    });
  }

  /** Requests whose answer is outstanding. */
  get pending(): number {
    return this.#calls.pending;
  }

  receive(text: string): void {
    // One after the other: what follows an Authenticate is meant for the identity it brings.
    this.#inbox = this.#inbox
      .then(() => this.#handle(parseClientMessage(text)))
      .catch((error: unknown) => this.#fail(error));
  }

  /** The socket is gone. */
  closed(): void {
    this.#phase = { kind: "closed" };
    this.#calls.close();
    this.#transitions.close();
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
        this.#calls.mutation(message, this.#caller, this.#phase.sessionId);
        return;
      case "Action":
        this.#calls.action(message, this.#caller);
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
    this.#transitions.startAt(observed);
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
    this.#transitions.wake();
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
    this.#transitions.wake();
  }

  #checkBase(member: "querySet" | "identity", base: number): void {
    const current = this.#wanted[member];
    if (base === current) return;
    throw new BaseVersionMismatch(
      `BaseVersionMismatch: the base version of the ${member} is ${base}, the server has ${current}.`,
    );
  }

  #isEntitled(caller: Caller): boolean {
    if (caller.kind !== "user" || Date.now() <= caller.expiresAtMs + TOKEN_EXPIRY_TOLERANCE_MS) return true;
    this.#refuseToken("The token has expired.", false);
    return false;
  }

  #refuseToken(error: string, authUpdateAttempted: boolean): void {
    this.#tell({ type: "AuthError", error, baseVersion: this.#wanted.identity, authUpdateAttempted });
    this.#close(POLICY_VIOLATION, "AuthError");
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    if (error instanceof BaseVersionMismatch) {
      this.#tell({ type: "FatalError", error: error.message });
      this.#close(POLICY_VIOLATION, "BaseVersionMismatch");
    } else if (error instanceof ProtocolError) {
      this.#close(POLICY_VIOLATION, error.message);
    } else {
      // The prefix tells the client that trying again soon is sensible.
      const detail = error instanceof Error ? error.message : String(error);
      this.#close(INTERNAL_ERROR, `InternalServerError: ${detail}`);
    }
  }

  #tell(message: ServerMessage): void {
    this.#send(JSON.stringify(message));
  }

  #send(text: string): void {
    if (!this.#isClosed) this.socket.send(text);
  }

  #close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.closed();
    this.socket.close(code, reason);
  }
}

class BaseVersionMismatch extends ProtocolError {}
