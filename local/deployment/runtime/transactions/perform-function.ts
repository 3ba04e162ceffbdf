/** A top-level query or mutation from request to outcome: lookup, transaction, run, commit. */
import { ConsoleLines } from "../console-lines.ts";
import { FunctionFailure, failureOf } from "../failure.ts";
import { requireFunction } from "../function-lookup.ts";
import type { Access } from "../function-lookup.ts";
import type { FunctionOutput, QueryInput, QueryOutput } from "../transaction-messages.ts";
import type { UserIdentity } from "../../engine.ts";
import { Run } from "./execution.ts";
import { cacheKey } from "./result-cache.ts";
import type { CachedResult } from "./result-cache.ts";
import { runFunction } from "./run-function.ts";
import { runSystemQuery } from "./system-queries.ts";
import { commitRun } from "./thread.ts";
import type { SystemChange, Thread } from "./thread.ts";
import type { TimerChange } from "../transaction-messages.ts";

export interface MutationCall {
  path: string;
  args: string;
  identity: UserIdentity | null;
  requestId: string;
  access: Access;
  scheduledFunctionId?: string;
}

/** `beforeCommit` may still write: what it returns is committed with the mutation, or not at all. */
export async function performMutation(
  thread: Thread,
  call: MutationCall,
  beforeCommit: (run: Run, value: string) => { change?: SystemChange; timers?: TimerChange[] },
): Promise<{ outcome: FunctionOutput; ts: bigint | null }> {
  const lines = new ConsoleLines();
  try {
    const { loaded, database } = thread;
    const found = requireFunction(loaded.app, call.path, "Mutation", call.access);
    const transaction = database.begin({ writable: true });
    const run = new Run(
      loaded,
      transaction,
      call.identity,
      call.requestId,
      lines,
      call.scheduledFunctionId ?? null,
    );
    const value = await inSlot(thread, 0, () => runFunction(run, found, call.args));
    const { change, timers } = beforeCommit(run, value);
    const ts = commitRun(thread, run, change, timers);
    return { outcome: { ok: true, value, logLines: lines.lines }, ts };
  } catch (error) {
    return { outcome: failed(error, lines), ts: null };
  }
}

export async function performQuery(thread: Thread, input: QueryInput, index: number): Promise<QueryOutput> {
  const { database, results } = thread;
  const key = cacheKey(input);
  const { output, reads } = results.get(key) ?? (await runQuery(thread, input, index, key));
  // A failure is a result too: it is watched, and run again when what it read changes.
  if (input.watch !== undefined) database.watch(input.watch, reads);
  return output;
}

async function runQuery(
  thread: Thread,
  input: QueryInput,
  index: number,
  key: string,
): Promise<CachedResult> {
  const lines = new ConsoleLines();
  const { database, loaded } = thread;
  const transaction = database.begin({ writable: false, journal: input.journal });
  let outcome: FunctionOutput;
  let isRepeatable = false;
  try {
    const isSystem = input.path.startsWith("_system/") && input.access === "any";
    if (isSystem) {
      outcome = { ok: true, value: runSystemQuery(thread, transaction, input), logLines: [] };
    } else {
      const found = requireFunction(loaded.app, input.path, "Query", input.access);
      const run = new Run(loaded, transaction, input.identity, input.requestId, lines, null);
      const value = await inSlot(thread, index, () => runFunction(run, found, input.args));
      outcome = { ok: true, value, logLines: lines.lines };
      ({ isRepeatable } = run);
    }
  } catch (error) {
    outcome = failed(error, lines);
  }
  const output = { outcome, journal: database.journalOf(transaction) };
  const reads = transaction.readSet();
  if (isRepeatable) thread.results.add(key, output, reads);
  return { output, reads };
}

async function inSlot<T>(thread: Thread, index: number, run: () => Promise<T>): Promise<T> {
  // What is finished must be known before code runs that may have to be killed together with this thread.
  thread.flush();
  thread.slot.begin(index);
  try {
    return await run();
  } finally {
    thread.slot.end();
  }
}

function failed(error: unknown, { lines }: ConsoleLines): FunctionOutput {
  const { message, data } = error instanceof FunctionFailure ? error : failureOf(error, () => "");
  return { ok: false, message, ...(data !== undefined && { data }), logLines: lines };
}
