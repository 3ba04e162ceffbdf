/** Queries and mutations from clients, and what an action needs of this thread before and after it runs elsewhere. */
import type { Json } from "../../values/json.ts";
import { cancelJob, scheduleJob } from "../../scheduler/job-documents.ts";
import { FunctionFailure } from "../failure.ts";
import { requireFunction } from "../function-lookup.ts";
import { JobLedger } from "./job-ledger.ts";
import { performMutation, performQuery } from "./perform-function.ts";
import { commitRun } from "./thread.ts";
import type { Thread } from "./thread.ts";
import type { Handlers } from "./handlers.ts";
import { checkArguments, checkResult } from "./validation.ts";

interface StoredAnswer {
  [field: string]: Json;
  value: string;
  logLines: string[];
  atMs: number;
}

export const answerPrefix = "answer/";

export const functionRequests: Pick<
  Handlers,
  "queries" | "mutation" | "admitAction" | "checkActionResult" | "schedule" | "cancelJob"
> = {
  // Nothing commits between two of them, so all of them read the same snapshot.
  async queries(thread, inputs) {
    const ts = thread.database.latestTs();
    const results = [];
    for (const [index, input] of inputs.entries()) results.push(await performQuery(thread, input, index));
    return { ts, results };
  },

  async mutation(thread, { dedupe, ...call }) {
    const key = dedupe && `${answerPrefix}${dedupe.sessionId}/${dedupe.requestId}`;
    const stored = key && (thread.database.systemGet(key) as StoredAnswer | undefined);
    if (stored) {
      const { value, logLines } = stored;
      return { outcome: { ok: true, value, logLines }, ts: thread.database.latestTs() };
    }
    return performMutation(thread, call, (run, value) => {
      if (key === undefined) return {};
      const answer: StoredAnswer = { value, logLines: run.lines.lines, atMs: run.facilities.nowMs };
      return { change: { put: [[key, answer]] } };
    });
  },

  admitAction({ loaded, database }, { path, args, access }) {
    try {
      const found = requireFunction(loaded.app, path, "Action", access);
      checkArguments(found.function, args, database.begin({ writable: false }));
      return { ok: true, module: found.module, name: found.name };
    } catch (error) {
      return { ok: false, message: messageOf(error) };
    }
  },

  checkActionResult({ loaded, database }, { path, value }) {
    try {
      const found = requireFunction(loaded.app, path, "Action", "any");
      checkResult(found.function, value, database.begin({ writable: false }));
      return { problem: null };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  },

  schedule(thread, input) {
    const writing = beginWriting(thread);
    const id = scheduleJob(writing, thread.loaded.app, { ...input, nowMs: Date.now() });
    commitRun(thread, writing);
    return { id };
  },

  cancelJob(thread, { id }) {
    const writing = beginWriting(thread);
    cancelJob(writing, id, Date.now());
    commitRun(thread, writing);
    return null;
  },
};

function beginWriting({ database }: Thread) {
  return { transaction: database.begin({ writable: true }), jobs: new JobLedger() };
}

function messageOf(error: unknown): string {
  if (error instanceof FunctionFailure) return error.message;
  throw error;
}
