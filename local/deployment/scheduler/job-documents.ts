/**
 * Scheduled functions as documents of `_scheduled_functions`, written within the transaction that schedules, cancels or
 * settles them. The ledger carries the matching row of `job/…`, by which pending jobs are found again after a restart.
 */
import type { Document, Transaction } from "../database/database.ts";
import { jsonToValue } from "../values/convex-json.ts";
import type { Json } from "../values/json.ts";
import type { Value } from "../values/value.ts";
import type { App } from "../runtime/app.ts";
import { FunctionFailure } from "../runtime/failure.ts";
import { findFunction } from "../runtime/function-lookup.ts";
import { storedPath } from "../runtime/function-path.ts";
import type { JobLedger } from "../runtime/transactions/job-ledger.ts";

export const jobTable = "_scheduled_functions";

const fiveYearsMs = 5 * 365 * 24 * 3600 * 1000;

type JobState =
  { kind: "pending" | "inProgress" | "success" | "canceled" } | { kind: "failed"; error: string };

export type Job = Document & { name: string; args: Value[]; scheduledTime: number; state: JobState };

export interface ScheduleRequest {
  path: string;
  args: Json;
  dueMs: number;
  nowMs: number;
}

export function scheduleJob(
  { transaction, jobs }: { transaction: Transaction; jobs: JobLedger },
  app: App,
  { path, args, dueMs, nowMs }: ScheduleRequest,
): string {
  if (!Number.isFinite(dueMs) || Math.abs(dueMs - nowMs) > fiveYearsMs) {
    throw new FunctionFailure("A function can be scheduled at most five years ahead or back.");
  }
  const found = findFunction(app, path);
  if (!found) throw new FunctionFailure(`Attempted to schedule function at nonexistent path: ${path}`);
  if (found.function.type === "Query") {
    throw new FunctionFailure(`Unsupported function type for ${path}: a query cannot be scheduled.`);
  }
  const id = transaction.insert(jobTable, {
    name: storedPath(found),
    args: [jsonToValue(args)],
    scheduledTime: dueMs,
    state: { kind: "pending" },
  });
  jobs.set(id, { dueMs, running: false });
  return id;
}

export function getJob(transaction: Transaction, id: string): Job | null {
  return (transaction.get(id, { table: jobTable, isSystem: true })?.document ?? null) as Job | null;
}

export function cancelJob(
  { transaction, jobs }: { transaction: Transaction; jobs: JobLedger },
  id: string,
  nowMs: number,
): void {
  const job = getJob(transaction, id);
  if (!job || (job.state.kind !== "pending" && job.state.kind !== "inProgress")) return;
  setJobState(transaction, id, { kind: "canceled" }, nowMs);
  jobs.set(id, null);
}

export function setJobState(transaction: Transaction, id: string, state: JobState, nowMs: number): void {
  const isOver = state.kind !== "pending" && state.kind !== "inProgress";
  transaction.patch(id, { state, ...(isOver && { completedTime: nowMs }) }, jobTable);
}
