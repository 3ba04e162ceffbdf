/**
 * The mutations and actions of one client. Mutations run one after another, in the order they came; actions at once.
 * Every one is answered, except those that have not begun when the session ends: the client sends them again.
 */
import { type Caller, type Engine, type Outcome, RequestError } from "../engine.ts";
import { newRequestId } from "./live-queries.ts";
import type { FunctionMessage } from "./protocol.ts";
import { actionResponse, mutationResponse } from "./responses.ts";

export interface CallsHost {
  send(text: string): void;
  /** False when the caller's token has expired, which ends the session. */
  isEntitled(caller: Caller): boolean;
  /** Comes after the response: a Transition has to reach this timestamp. */
  committed(ts: bigint): void;
  failed(error: unknown): void;
}

export interface RunningMutation {
  /** Newest timestamp when it started: its commit is certainly later. */
  startedAt: bigint;
  responded: Promise<void>;
}

interface QueuedMutation {
  message: FunctionMessage;
  caller: Caller;
  sessionId: string;
}

export class ClientCalls {
  readonly #mutations: QueuedMutation[] = [];
  #runningMutation: RunningMutation | null = null;
  #actions = 0;
  #isClosed = false;

  constructor(
    private readonly engine: Engine,
    private readonly host: CallsHost,
  ) {}

  /** Those whose answer is outstanding. */
  get pending(): number {
    return this.#mutations.length + (this.#runningMutation ? 1 : 0) + this.#actions;
  }

  get runningMutation(): RunningMutation | null {
    return this.#runningMutation;
  }

  mutation(message: FunctionMessage, caller: Caller, sessionId: string): void {
    this.#mutations.push({ message, caller, sessionId });
    if (!this.#runningMutation) void this.#runMutations();
  }

  action(message: FunctionMessage, caller: Caller): void {
    if (!this.host.isEntitled(caller)) return;
    this.#actions++;
    this.#runAction(message, caller)
      .catch((error: unknown) => this.host.failed(error))
      .finally(() => this.#actions--);
  }

  close(): void {
    this.#isClosed = true;
    this.#mutations.length = 0;
  }

  async #runMutations(): Promise<void> {
    for (let next = this.#mutations.shift(); next && !this.#isClosed; next = this.#mutations.shift()) {
      if (!this.host.isEntitled(next.caller)) return;
      const startedAt = this.engine.latestTs();
      const responded = this.#runMutation(next).catch((error: unknown) => this.host.failed(error));
      this.#runningMutation = { startedAt, responded };
      await responded;
    }
    this.#runningMutation = null;
  }

  async #runMutation({ message, caller, sessionId }: QueuedMutation): Promise<void> {
    const { requestId, udfPath: path, args } = message;
    const call = { path, args, caller, requestId: newRequestId(), dedupe: { sessionId, requestId } };
    const { outcome, ts } = await refusalAsOutcome(
      () => this.engine.mutation(call),
      (refused) => ({ outcome: refused, ts: null }),
    );
    const committed = ts ?? this.engine.latestTs();
    this.host.send(mutationResponse(requestId, outcome, committed));
    if (outcome.ok) this.host.committed(committed);
  }

  async #runAction({ requestId, udfPath: path, args }: FunctionMessage, caller: Caller): Promise<void> {
    const outcome = await refusalAsOutcome(
      () => this.engine.action({ path, args, caller, requestId: newRequestId() }),
      (refused) => refused,
    );
    this.host.send(actionResponse(requestId, outcome));
  }
}

/** A refused request is an answer to its sender; anything else is our own fault and passes on. */
async function refusalAsOutcome<T>(run: () => Promise<T>, answer: (refused: Outcome) => T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof RequestError) || error.status === 503) throw error;
    return answer({ ok: false, errorMessage: error.message, logLines: [] });
  }
}
