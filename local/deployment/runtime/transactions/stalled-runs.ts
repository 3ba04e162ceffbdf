/** Ends runs that wait for something that cannot come, and fails those that leave a rejection unhandled. */
import { setInterval } from "node:timers";
import { FunctionFailure } from "../failure.ts";
import type { Run } from "./execution.ts";
import { currentExecution } from "./syscalls.ts";

const checkEveryMs = 100;
const quietChecks = 5;

export function watchRuns(): void {
  let seen: { run: Run; activity: number; checks: number } | null = null;
  // A busy loop would keep this timer from firing. That it fires means nothing is left to run but native work.
  setInterval(() => {
    const run = currentExecution()?.run;
    if (!run || run.pendingWork > 0) seen = null;
    else if (seen?.run !== run || seen.activity !== run.activity)
      seen = { run, activity: run.activity, checks: 0 };
    else if (++seen.checks >= quietChecks)
      run.abandon?.(new FunctionFailure("Returned promise will never resolve"));
  }, checkEveryMs).unref();

  process.on("unhandledRejection", (reason) => {
    const run = currentExecution()?.run;
    if (run) run.unhandled ??= { reason };
  });
  process.on("uncaughtException", (reason) => {
    const run = currentExecution()?.run;
    // Thrown by a microtask of pushed code. Without a run it is ours, and this thread cannot be trusted any more.
    if (!run) throw reason;
    run.unhandled ??= { reason };
  });
}
