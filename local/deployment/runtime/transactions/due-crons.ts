/** Crons whose time has come. The next run is written down with a mutation's own commit, or before an action starts. */
import { advance, cronPrefix, cronRow, readCron } from "../../scheduler/cron-rows.ts";
import type { CronRow } from "../../scheduler/cron-rows.ts";
import { findFunction } from "../function-lookup.ts";
import type { DueWork, TimerChange } from "../transaction-messages.ts";
import { performMutation } from "./perform-function.ts";
import { commitSystem } from "./thread.ts";
import type { Thread } from "./thread.ts";

export async function runDueCron(thread: Thread, key: string): Promise<DueWork> {
  const row = readCron(thread.database, key);
  const nowMs = Date.now();
  if (!row || row.dueMs > nowMs) return { kind: "nothing" };
  if (row.running) {
    put(thread, key, advance(key, row, true, nowMs));
    return { kind: "nothing" };
  }
  const { path, args } = row.spec;
  if (findFunction(thread.loaded.app, path)?.function.type === "Action") {
    put(thread, key, advance(key, row, true, nowMs));
    return { kind: "action", path, args };
  }
  const next = advance(key, row, false, nowMs);
  const startedMs = performance.now();
  const { outcome } = await performMutation(
    thread,
    { path, args, identity: null, requestId: key, access: "any" },
    () => ({ change: { put: [cronRow(key, next)] }, timers: [[key, next.dueMs]] }),
  );
  if (!outcome.ok) put(thread, key, next);
  return { kind: "ran", path, type: "Mutation", outcome, executionMs: performance.now() - startedMs };
}

export function settleCron(thread: Thread, key: string): void {
  const row = readCron(thread.database, key);
  const nowMs = Date.now();
  if (!row) return;
  // A mutation that had to be ended has not moved its cron on.
  put(thread, key, row.dueMs <= nowMs ? advance(key, row, false, nowMs) : { ...row, running: false });
}

/** Actions that were running for a cron ended with the previous process. */
export function releaseCrons(thread: Thread): void {
  for (const [key] of [...thread.database.systemRange(cronPrefix)]) {
    const row = readCron(thread.database, key)!;
    if (row.running) put(thread, key, { ...row, running: false });
  }
}

export function cronTimers({ database }: Thread): TimerChange[] {
  return [...database.systemRange(cronPrefix)].map(([key]) => [key, readCron(database, key)!.dueMs]);
}

function put(thread: Thread, key: string, row: CronRow): void {
  commitSystem(thread, { put: [cronRow(key, row)] }, [[key, row.dueMs]]);
}
