/**
 * Takes one client from state to state: finds a timestamp at which all its results are true, running what is outdated,
 * and sends what differs. One at a time, and none while the client does not read.
 */
import type { Engine } from "../engine.ts";
import type { RunningMutation } from "./client-calls.ts";
import type { LiveQueries } from "./live-queries.ts";
import { type StateVersion, transitionText } from "./protocol.ts";
import type { QuerySet } from "./query-set.ts";
import type { SyncSocket } from "./sync-socket.ts";

export interface TransitionsHost {
  readonly socket: SyncSocket;
  readonly engine: Engine;
  readonly liveQueries: LiveQueries;
  readonly queries: QuerySet;
  /** The versions the client has asked for. */
  wanted(): { querySet: number; identity: number };
  runningMutation(): RunningMutation | null;
  /** False when the session's token has expired, which ends the session. */
  isEntitled(): boolean;
  failed(error: unknown): void;
}

export class Transitions {
  #sent: StateVersion = { querySet: 0, identity: 0, ts: 0n };
  /** The next Transition may not end below this. */
  #floor = 0n;
  /** A committed mutation waits for a Transition, also when no query changed. */
  #isOwed = false;
  #isRunning = false;
  #workLeft = false;
  #isClosed = false;

  constructor(private readonly host: TransitionsHost) {}

  /** What the client has seen before it connected. */
  startAt(observed: bigint): void {
    this.#floor = observed;
  }

  /** The client's own commit: a Transition must reach it. */
  owe(ts: bigint): void {
    if (ts > this.#floor) this.#floor = ts;
    this.#isOwed = true;
    this.wake();
  }

  /** There may be something to send. */
  wake(): void {
    this.#workLeft = true;
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    // Not at once: this may be inside a commit, and one commit may make many queries stale.
    queueMicrotask(() => void this.#run());
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run(): Promise<void> {
    try {
      while (this.#workLeft && !this.#isClosed) {
        await this.host.socket.writable();
        this.#workLeft = false;
        if (this.host.isEntitled()) await this.#transition();
      }
    } catch (error) {
      this.host.failed(error);
    } finally {
      this.#isRunning = false;
    }
  }

  async #transition(): Promise<void> {
    const { queries, liveQueries, engine } = this.host;
    // Grows only: with every query that has been outdated meanwhile run in one batch, the results of a batch agree,
    // so that a busy writer cannot keep the session from ever finding a common snapshot.
    const running = new Set(queries.outdated());
    for (;;) {
      if (running.size > 0) await liveQueries.refresh(running);
      if (this.#isClosed) return;
      const validity = queries.validity(this.#floor);
      if (validity.kind === "apart") {
        for (const query of validity.outdated) running.add(query);
        continue;
      }
      const end = validity.last ?? engine.latestTs();
      const mutation = this.host.runningMutation();
      if (!mutation || end <= mutation.startedAt) {
        this.#send(end);
        return;
      }
      if (validity.first <= mutation.startedAt) {
        this.#send(mutation.startedAt);
        return;
      }
      // The results may already show the mutation, whose response has to go first.
      await mutation.responded;
      running.clear();
    }
  }

  #send(ts: bigint): void {
    const modifications = this.host.queries.takeModifications();
    const { querySet, identity } = this.host.wanted();
    const reachesVersion = querySet !== this.#sent.querySet || identity !== this.#sent.identity;
    if (modifications.length === 0 && !reachesVersion && !this.#isOwed) return;
    const end = { querySet, identity, ts };
    this.host.socket.send(transitionText(this.#sent, end, modifications));
    this.#sent = end;
    this.#floor = ts;
    this.#isOwed = false;
  }
}
