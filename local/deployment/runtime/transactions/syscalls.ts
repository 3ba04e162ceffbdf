/** The three functions of `globalThis.Convex`, by which the client library inside pushed code reaches the engine. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Json } from "../../values/json.ts";
import { FunctionFailure } from "../failure.ts";
import { unsupported } from "../unsupported.ts";
import { databaseSyscalls, syncSyscalls } from "./database-syscalls.ts";
import { EncodedJson } from "./encoded-json.ts";
import type { Execution } from "./execution.ts";
import { activeFacilities, asEngine } from "./facilities.ts";
import { metadataSyscalls } from "./metadata-syscalls.ts";
import { schedulerSyscalls } from "./scheduler-syscalls.ts";
import type { SyscallArguments } from "../syscall-arguments.ts";
import type { AsyncSyscall } from "./syscall.ts";

const asyncSyscalls: Record<string, AsyncSyscall> = {
  ...databaseSyscalls,
  ...schedulerSyscalls,
  ...metadataSyscalls,
};

let topLevel: Execution | null = null;

/** Tells nested calls from their caller. Enabled only while one runs: it slows every promise of the thread. */
const nested = new AsyncLocalStorage<Execution>();

export function currentExecution(): Execution | null {
  return topLevel;
}

export function setTopLevel(execution: Execution | null): void {
  topLevel = execution;
  if (execution === null) nested.disable();
}

export function runNested<T>(execution: Execution, run: () => T): T {
  return nested.run(execution, run);
}

/** `runUdf` is given by the caller because it runs functions, which need the syscalls. */
export function installSyscalls(runUdf: AsyncSyscall): void {
  const handlers: Record<string, AsyncSyscall> = { ...asyncSyscalls, "1.0/runUdf": runUdf };

  const asyncSyscall = (op: string, text: string): Promise<string> => {
    try {
      const handler = Object.hasOwn(handlers, op) ? handlers[op]! : null;
      const execution = caller(op);
      if (!handler) throw unsupported(op) ?? new FunctionFailure(`Unknown async operation ${op}`);
      execution.run.activity++;
      const start = () => asEngine(() => handler(execution, JSON.parse(text) as SyscallArguments));
      const result = execution.tail ? execution.tail.then(start) : start();
      if (!(result instanceof Promise)) return Promise.resolve(toText(result));
      holdBack(execution, result);
      return result.then(toText, reject);
    } catch (error) {
      return reject(error);
    }
  };

  const syscall = (op: string, text: string): string => {
    const handler = Object.hasOwn(syncSyscalls, op) ? syncSyscalls[op]! : null;
    const execution = caller(op);
    if (!handler) throw new Error(`Unknown operation ${op}`);
    execution.run.activity++;
    try {
      return toText(asEngine(() => handler(execution, JSON.parse(text) as SyscallArguments)));
    } catch (error) {
      throw asPlainError(error);
    }
  };

  const jsSyscall = (op: string): Promise<never> =>
    Promise.reject(unsupported(op) ?? new Error(`${op} is not available in queries and mutations.`));

  Object.defineProperty(globalThis, "Convex", { value: Object.freeze({ syscall, asyncSyscall, jsSyscall }) });
}

function caller(op: string): Execution {
  if (activeFacilities()?.phase === "import") {
    throw new FunctionFailure(
      op === "1.0/runUdf"
        ? "Cannot call another function at import time"
        : "Can't use database at import time",
    );
  }
  const execution = nested.getStore() ?? topLevel;
  if (!execution?.run.open) {
    throw new FunctionFailure(`${op} was called after the function it belongs to had returned.`);
  }
  return execution;
}

function toText(result: Json | EncodedJson): string {
  return result instanceof EncodedJson ? result.text : JSON.stringify(result);
}

/** Later syscalls of the execution wait for this one, so that a sub-transaction holds only its own writes. */
function holdBack(execution: Execution, call: Promise<unknown>): void {
  const over = () => {
    if (execution.tail === settled) execution.tail = null;
  };
  const settled: Promise<void> = call.then(over, over);
  execution.tail = settled;
}

function reject(error: unknown): Promise<never> {
  return Promise.reject(asPlainError(error));
}

/** The client library makes a ConvexError of a rejection that carries `data`, and an Error of any other. */
function asPlainError(error: unknown): Error {
  const plain = new Error(error instanceof Error ? error.message : String(error)) as Error & { data?: Json };
  const data = (error as { data?: Json } | null)?.data;
  if (data !== undefined) plain.data = data;
  return plain;
}
