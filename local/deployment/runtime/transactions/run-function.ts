/** Runs queries and mutations of the current app version, one top-level call at a time, with whatever they nest. */
import { randomFillSync } from "node:crypto";
import { setImmediate } from "node:timers";
import type { Json } from "../../values/json.ts";
import { FunctionFailure, failureOf } from "../failure.ts";
import { requireFunction } from "../function-lookup.ts";
import type { FoundFunction } from "../function-lookup.ts";
import { pathOfReference } from "../function-reference.ts";
import { textArgument } from "../syscall-arguments.ts";
import { Execution } from "./execution.ts";
import type { Run } from "./execution.ts";
import { activate, asEngine } from "./facilities.ts";
import type { Facilities } from "./facilities.ts";
import { SeededRandom } from "./random.ts";
import { runNested, setTopLevel } from "./syscalls.ts";
import { requireMutation } from "./syscall.ts";
import type { AsyncSyscall } from "./syscall.ts";
import { checkArguments, checkResult } from "./validation.ts";

type Invoker = (args: string) => Promise<string>;

/** Resolves to the JSON text of the result; rejects with a FunctionFailure. */
export async function runFunction(run: Run, found: FoundFunction, args: string): Promise<string> {
  const execution = new Execution(run, found, found.function.type as "Query" | "Mutation", 0);
  run.facilities = facilitiesOf(run, execution.type);
  setTopLevel(execution);
  try {
    const result = await abandonable(run, call(execution, args));
    await outlive(execution);
    return result;
  } catch (error) {
    activate(null);
    throw failureOf(error, (stack) => run.loaded.frames.of(stack));
  } finally {
    activate(null);
    run.open = false;
    setTopLevel(null);
  }
}

function facilitiesOf(run: Run, type: "Query" | "Mutation"): Facilities {
  const nowMs = Date.now();
  const random = new SeededRandom(randomFillSync(new Uint32Array(4)));
  return {
    phase: type === "Query" ? "query" : "mutation",
    get nowMs() {
      run.isRepeatable = false;
      return nowMs;
    },
    get random() {
      run.isRepeatable = false;
      return random;
    },
    lines: run.lines,
    readEnvironment: (name) => asEngine(() => run.transaction.readEnvironment(name)),
    follow: (work) => {
      run.pendingWork++;
      const done = () => {
        run.pendingWork--;
      };
      work.then(done, done);
    },
  };
}

async function call(execution: Execution, args: string): Promise<string> {
  const { found, run } = execution;
  const { graph, environmentReadAtImport } = run.loaded;
  asEngine(() => checkArguments(found.function, args, run.transaction));
  const namespace = graph.loaded(found.module) ?? (await graph.load(found.module));
  asEngine(() => environmentReadAtImport.forEach((name) => run.transaction.readEnvironment(name)));
  const registered = namespace[found.name] as Record<string, Invoker>;
  // From here to the end of the top-level call, what runs between our steps is pushed code.
  activate(run.facilities);
  const text = await registered[execution.type === "Query" ? "invokeQuery" : "invokeMutation"]!(args);
  asEngine(() => checkResult(found.function, text, run.transaction));
  return text;
}

/** Lets the run be failed from outside while pushed code waits for something that never comes. */
function abandonable(run: Run, result: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    run.abandon = reject;
    result.then(resolve, reject);
  });
}

/** What the function started without awaiting it still takes effect, and a rejection it left unhandled fails it. */
async function outlive(execution: Execution): Promise<void> {
  const { run } = execution;
  do {
    await execution.tail;
    // One turn of the event loop, so that everything which can go on has gone on.
    await new Promise((resolve) => setImmediate(resolve));
  } while (execution.isBusy || run.pendingWork > 0);
  if (run.unhandled) throw run.unhandled.reason;
}

const nestedTypes: Record<string, "Query" | "Mutation"> = {
  query: "Query",
  snapshotQuery: "Query",
  mutation: "Mutation",
};

/** `ctx.runQuery` and `ctx.runMutation`: the same transaction, and a sub-transaction of it for a mutation. */
export function nestedCalls(maxDepth: number): AsyncSyscall {
  return (caller, args) => {
    const udfType = textArgument(args, "udfType");
    const type = nestedTypes[udfType];
    if (type === undefined) throw new FunctionFailure(`Unknown function type ${udfType}.`);
    if (type === "Mutation") requireMutation(caller, "`runMutation`");
    if (caller.depth >= maxDepth) {
      throw new FunctionFailure(`Cross-function calls are nested too deeply (limit: ${maxDepth}).`);
    }
    const found = requireFunction(caller.run.loaded.app, pathOfReference(args), type, "any");
    const execution = new Execution(caller.run, found, type, caller.depth + 1);
    const text = JSON.stringify([args.args ?? {}]);
    return type === "Mutation" ? callInSubTransaction(execution, text) : callNested(execution, text);
  };
}

async function callNested(execution: Execution, args: string): Promise<Json> {
  try {
    const text = await runNested(execution, () => call(execution, args));
    while (execution.isBusy) await execution.tail;
    return JSON.parse(text) as Json;
  } catch (error) {
    throw failureOf(error, (stack) => execution.run.loaded.frames.of(stack));
  }
}

async function callInSubTransaction(execution: Execution, args: string): Promise<Json> {
  const { transaction, jobs } = execution.run;
  const writes = transaction.savepoint();
  const scheduled = jobs.savepoint();
  try {
    const result = await callNested(execution, args);
    asEngine(() => writes.release());
    return result;
  } catch (error) {
    asEngine(() => writes.rollback());
    scheduled.rollback();
    throw error;
  }
}
