/** The state of each cron, one system row `cron/<name>`, and what a push changes in them. */
import type { Database } from "../database/database.ts";
import type { Json } from "../values/json.ts";
import type { CronSpec } from "../runtime/app.ts";
import type { TimerChange } from "../runtime/transaction-messages.ts";
import { nextRun } from "./cron-schedule.ts";

export const cronPrefix = "cron/";

export interface CronRow {
  spec: CronSpec;
  dueMs: number;
  /** An action is at work; the cron is skipped until it ends. */
  running: boolean;
}

export function readCron(database: Database, key: string): CronRow | undefined {
  return database.systemGet(key) as unknown as CronRow | undefined;
}

export function cronRow(key: string, row: CronRow): [string, Json] {
  return [key, row as unknown as Json];
}

/** The row after a run: due at the next occurrence. */
export function advance(key: string, row: CronRow, running: boolean, nowMs: number): CronRow {
  const dueMs = nextRun(key.slice(cronPrefix.length), row.spec.schedule, row.dueMs, nowMs);
  return { ...row, dueMs, running };
}

/** A cron pushed again as it was keeps its next run; a changed or new one starts anew, a removed one is dropped. */
export function planCrons(
  database: Database,
  crons: Record<string, CronSpec>,
  nowMs: number,
): { put: [string, Json][]; delete: string[]; timers: TimerChange[] } {
  const put: [string, Json][] = [];
  const timers: TimerChange[] = [];
  const removed: string[] = [];
  for (const [key] of database.systemRange(cronPrefix)) {
    if (Object.hasOwn(crons, key.slice(cronPrefix.length))) continue;
    removed.push(key);
    timers.push([key, null]);
  }
  for (const [name, spec] of Object.entries(crons)) {
    const key = cronPrefix + name;
    const before = readCron(database, key);
    if (before && JSON.stringify(before.spec) === JSON.stringify(spec)) continue;
    const dueMs = nextRun(name, spec.schedule, null, nowMs);
    put.push(cronRow(key, { spec, dueMs, running: false }));
    timers.push([key, dueMs]);
  }
  return { put, delete: removed, timers };
}
