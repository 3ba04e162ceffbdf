/**
 * Scheduled functions whose time has come. A mutation's new state is part of its own commit, so it takes effect exactly
 * once; an action is marked in progress before it is handed out, so it starts at most once.
 */
import { getJob, jobTable, setJobState } from "../../scheduler/job-documents.ts";
import type { Job } from "../../scheduler/job-documents.ts";
import { valueToJson } from "../../values/convex-json.ts";
import { requireFunction } from "../function-lookup.ts";
import type { DueWork, TimerChange } from "../transaction-messages.ts";
import { JobLedger } from "./job-ledger.ts";
import type { JobRow } from "./job-ledger.ts";
import { performMutation } from "./perform-function.ts";
import { commitRun, commitSystem, jobKey } from "./thread.ts";
import type { SystemChange, Thread } from "./thread.ts";

export const jobPrefix = jobKey("");
const settledPrefix = "settled/";
const keptMs = 7 * 24 * 3600 * 1000;

export async function runDueJob(thread: Thread, id: string): Promise<DueWork> {
  const job = getJob(thread.database.begin({ writable: false }), id);
  if (job?.state.kind !== "pending") {
    commitSystem(thread, { put: [], delete: [jobKey(id)] });
    return { kind: "nothing" };
  }
  const args = JSON.stringify(job.args.map(valueToJson));
  if (isAction(thread, job)) {
    markInProgress(thread, id, job);
    return { kind: "action", path: job.name, args };
  }
  const startedMs = performance.now();
  const { outcome } = await performMutation(
    thread,
    {
      path: job.name,
      args,
      identity: null,
      requestId: id.slice(-16),
      access: "any",
      scheduledFunctionId: id,
    },
    (run) => {
      const nowMs = Date.now();
      const now = getJob(run.transaction, id);
      if (now?.state.kind === "pending") setJobState(run.transaction, id, { kind: "success" }, nowMs);
      run.jobs.set(id, null);
      return { change: settledRow(id, nowMs) };
    },
  );
  if (!outcome.ok) settleJob(thread, id, outcome.message);
  return {
    kind: "ran",
    path: job.name,
    type: "Mutation",
    outcome,
    executionMs: performance.now() - startedMs,
  };
}

function isAction({ loaded }: Thread, job: Job): boolean {
  try {
    requireFunction(loaded.app, job.name, "Action", "any");
    return true;
  } catch {
    // Not there any more, or a mutation: running it as one says which.
    return false;
  }
}

function markInProgress(thread: Thread, id: string, job: Job): void {
  const transaction = thread.database.begin({ writable: true });
  const jobs = new JobLedger();
  setJobState(transaction, id, { kind: "inProgress" }, Date.now());
  jobs.set(id, { dueMs: job.scheduledTime, running: true });
  commitRun(thread, { transaction, jobs });
}

/** Null: success. A job canceled meanwhile stays canceled. */
export function settleJob(thread: Thread, id: string, error: string | null): void {
  const transaction = thread.database.begin({ writable: true });
  const jobs = new JobLedger();
  const nowMs = Date.now();
  const state = getJob(transaction, id)?.state.kind;
  if (state === "pending" || state === "inProgress") {
    setJobState(transaction, id, error === null ? { kind: "success" } : { kind: "failed", error }, nowMs);
  }
  jobs.set(id, null);
  commitRun(thread, { transaction, jobs }, settledRow(id, nowMs));
}

/** Actions that were running when the previous process ended are not started again. */
export function failInterruptedJobs(thread: Thread): void {
  for (const [key, value] of [...thread.database.systemRange(jobPrefix)]) {
    const { running } = value as unknown as JobRow;
    if (running) settleJob(thread, key.slice(jobPrefix.length), "Transient error while executing action");
  }
}

export function jobTimers({ database }: Thread): TimerChange[] {
  return [...database.systemRange(jobPrefix)].flatMap(([key, value]): TimerChange[] => {
    const { running, dueMs } = value as unknown as JobRow;
    return running ? [] : [[key, dueMs]];
  });
}

/** Settled jobs stay readable for a week. */
export function pruneJobs(thread: Thread, nowMs: number): void {
  const transaction = thread.database.begin({ writable: true });
  const expired: string[] = [];
  for (const [key] of thread.database.systemRange(settledPrefix)) {
    const [at = "", id = ""] = key.slice(settledPrefix.length).split("/");
    if (Number(at) > nowMs - keptMs) break;
    if (getJob(transaction, id)) transaction.remove(id, jobTable);
    expired.push(key);
  }
  if (expired.length > 0)
    commitRun(thread, { transaction, jobs: new JobLedger() }, { put: [], delete: expired });
}

function settledRow(id: string, nowMs: number): SystemChange {
  return { put: [[`${settledPrefix}${String(Math.floor(nowMs)).padStart(15, "0")}/${id}`, null]] };
}
