/**
 * Entry of the transaction worker: the one thread that holds the database and runs queries and mutations. Requests are
 * served strictly one after another, which is what makes every mutation serializable.
 */
import { parentPort, workerData } from "node:worker_threads";
import { openDatabase } from "../../database/open.ts";
import { RequestError } from "../../engine.ts";
import { withBuiltIns } from "../environment.ts";
import { refusalOf } from "../failure.ts";
import type {
  TransactionMessage,
  TransactionRequest,
  TransactionWorkerData,
} from "../transaction-messages.ts";
import { answerPrefix, functionRequests } from "./function-requests.ts";
import { appRequests, completeSwitch, readApp, readEnvironment } from "./app-requests.ts";
import { cronTimers, releaseCrons } from "./due-crons.ts";
import { failInterruptedJobs, jobTimers, pruneJobs } from "./due-jobs.ts";
import { dueRequests } from "./due-requests.ts";
import { installGlobals } from "./globals.ts";
import type { Handlers } from "./handlers.ts";
import { loadApp } from "./loaded-app.ts";
import { Outbox } from "./outbox.ts";
import { ResultCache } from "./result-cache.ts";
import { nestedCalls } from "./run-function.ts";
import { RunSlot } from "./run-slot.ts";
import { watchRuns } from "./stalled-runs.ts";
import { installSyscalls } from "./syscalls.ts";
import type { Thread } from "./thread.ts";

const handlers: Handlers = {
  ...functionRequests,
  ...dueRequests,
  ...appRequests,
  unwatch: ({ database }, watches) => {
    for (const watch of watches) database.unwatch(watch);
    return null;
  },
  close: async ({ database }) => {
    await database.close();
    return null;
  },
};

const port = parentPort!;
const { dataDir, urls, nestingDepth, isRestart, slot } = workerData as TransactionWorkerData;
const database = openDatabase({ dataDir });
const outbox = new Outbox((messages: TransactionMessage[]) => port.postMessage(messages));
const thread: Thread = {
  database,
  urls,
  results: new ResultCache(database),
  slot: new RunSlot(slot),
  loaded: loadApp(readApp(database)),
  environment: readEnvironment(database),
  announce: (message) => outbox.add(message),
  flush: () => outbox.flush(),
};

installGlobals(() => withBuiltIns(thread.environment, urls));
installSyscalls(nestedCalls(nestingDepth));
watchRuns();
completeSwitch(thread);
if (!isRestart) {
  failInterruptedJobs(thread);
  releaseCrons(thread);
  prune();
}
const timers = [...jobTimers(thread), ...cronTimers(thread)];
outbox.add({
  type: "ready",
  ts: database.latestTs(),
  app: thread.loaded.app,
  environment: { ...thread.environment },
  timers,
});
outbox.flush();

const waiting: TransactionRequest[] = [];
let serving = false;
port.on("message", (requests: TransactionRequest[]) => {
  waiting.push(...requests);
  if (!serving) void serve();
});

async function serve(): Promise<void> {
  serving = true;
  for (let request = waiting.shift(); request; request = waiting.shift()) {
    thread.slot.receive(request.id);
    outbox.add(await answer(request));
  }
  serving = false;
  outbox.flush();
}

async function answer({ id, kind, input }: TransactionRequest): Promise<TransactionMessage> {
  try {
    const handler = handlers[kind] as (thread: Thread, input: unknown) => unknown;
    return { type: "reply", id, output: await handler(thread, input) };
  } catch (error) {
    if (error instanceof RequestError)
      return { type: "refused", id, code: error.code, message: error.message };
    const refusal = refusalOf(error);
    if (refusal) return { type: "refused", id, code: "BadRequest", message: refusal.message };
    const message = String((error as Error).stack ?? error);
    return { type: "refused", id, code: "InternalServerError", message };
  }
}

/** Answers kept for reconnecting clients, and settled jobs, go once nobody can ask for them any more. */
function prune(): void {
  const nowMs = Date.now();
  pruneJobs(thread, nowMs);
  const dayMs = 24 * 3600 * 1000;
  const old: string[] = [];
  for (const [key, answer] of database.systemRange(answerPrefix)) {
    if ((answer as { atMs: number }).atMs < nowMs - dayMs) old.push(key);
  }
  if (old.length > 0) database.systemCommit({ delete: old });
}
