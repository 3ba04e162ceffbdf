/** One running query or mutation: the run it belongs to (shared with nested calls) and what is its own. */
import type { StoredDocument, Transaction } from "../../database/database.ts";
import type { UserIdentity } from "../../engine.ts";
import type { ConsoleLines } from "../console-lines.ts";
import type { FoundFunction } from "../function-lookup.ts";
import type { Facilities } from "./facilities.ts";
import { JobLedger } from "./job-ledger.ts";
import type { LoadedApp } from "./loaded-app.ts";

/** A top-level call with everything nested in it: one transaction, one frozen time, one log. */
export class Run {
  readonly jobs = new JobLedger();
  /** False once the result is decided: what pushed code still tries afterwards is refused. */
  open = true;
  /** False once the run has seen the clock or randomness: run again, it may have another result. */
  isRepeatable = true;
  /** Counts syscalls, so that a run which makes no progress can be told from one that does. */
  activity = 0;
  /** Native work (hashing, signatures) that has not finished. */
  pendingWork = 0;
  /** A rejection nobody handled fails the run. */
  unhandled: { reason: unknown } | null = null;
  abandon: ((reason: Error) => void) | null = null;
  facilities!: Facilities;

  constructor(
    readonly loaded: LoadedApp,
    readonly transaction: Transaction,
    readonly identity: UserIdentity | null,
    readonly requestId: string,
    readonly lines: ConsoleLines,
    readonly scheduledFunctionId: string | null,
  ) {}
}

export class Execution {
  readonly #streams = new Map<number, Iterator<StoredDocument>>();
  #nextStream = 0;
  /** The last nested call in progress: later syscalls of this execution wait for it. Never rejects. */
  tail: Promise<void> | null = null;

  constructor(
    readonly run: Run,
    readonly found: FoundFunction,
    readonly type: "Query" | "Mutation",
    readonly depth: number,
  ) {}

  get isBusy(): boolean {
    return this.tail !== null;
  }

  openStream(iterator: Iterator<StoredDocument>): number {
    const id = this.#nextStream++;
    this.#streams.set(id, iterator);
    return id;
  }

  stream(id: number): Iterator<StoredDocument> | undefined {
    return this.#streams.get(id);
  }

  closeStream(id: number): boolean {
    const stream = this.#streams.get(id);
    stream?.return?.();
    return this.#streams.delete(id);
  }
}
