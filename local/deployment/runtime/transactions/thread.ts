/** What the transaction worker holds for its whole life: the database, the current app, and the line to the main thread. */
import type { Database } from "../../database/database.ts";
import type { Json } from "../../values/json.ts";
import type { TimerChange, TransactionMessage } from "../transaction-messages.ts";
import type { Environment } from "../environment.ts";
import type { Run } from "./execution.ts";
import type { LoadedApp } from "./loaded-app.ts";
import type { ResultCache } from "./result-cache.ts";
import type { RunSlot } from "./run-slot.ts";

export interface SystemChange {
  put: [key: string, value: Json][];
  delete?: string[];
}

export interface Thread {
  readonly database: Database;
  readonly results: ResultCache;
  readonly slot: RunSlot;
  readonly urls: { cloudUrl: string; siteUrl: string };
  loaded: LoadedApp;
  environment: Environment;
  announce(message: TransactionMessage): void;
  flush(): void;
}

export const jobKey = (id: string) => `job/${id}`;

/** Commits a run's writes with the rows of what it scheduled, and tells the main thread. */
export function commitRun(
  thread: Thread,
  run: Pick<Run, "transaction" | "jobs">,
  change: SystemChange = { put: [] },
  timers: TimerChange[] = [],
): bigint {
  const put = [...change.put];
  const removed = [...(change.delete ?? [])];
  const changedTimers = [...timers];
  for (const [id, row] of run.jobs.changes()) {
    if (row === null) removed.push(jobKey(id));
    else put.push([jobKey(id), { ...row }]);
    changedTimers.push([jobKey(id), row && !row.running ? row.dueMs : null]);
  }
  const committed = thread.database.commit(run.transaction, { put, delete: removed });
  announceCommit(thread, committed, changedTimers);
  return committed.ts;
}

/** Commits system rows alone. */
export function commitSystem(
  thread: Thread,
  change: SystemChange & { touchesEnvironment?: string[] },
  timers: TimerChange[] = [],
): void {
  announceCommit(thread, thread.database.systemCommit(change), timers);
}

export function announceCommit(
  thread: Thread,
  { ts, watches }: { ts: bigint; watches: number[] },
  timers: TimerChange[],
): void {
  thread.announce({ type: "commit", ts, watches: thread.results.invalidate(watches), timers });
}
