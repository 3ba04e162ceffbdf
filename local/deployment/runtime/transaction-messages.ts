/** What the main thread asks of the transaction worker, and what comes back. Plain data that structured clone carries. */
import type { UserIdentity } from "../engine.ts";
import type { IndexChange, SchemaJson } from "../database/database.ts";
import type { Json } from "../values/json.ts";
import type { App } from "./app.ts";
import type { Access } from "./function-lookup.ts";

export interface FunctionInput {
  path: string;
  /** JSON text of the one-element argument array. */
  args: string;
  identity: UserIdentity | null;
  requestId: string;
  access: Access;
}

export interface QueryInput extends FunctionInput {
  journal: string | null;
  watch?: number;
}

export interface MutationInput extends FunctionInput {
  dedupe?: { sessionId: string; requestId: number };
}

/** `value` is JSON text; `message` is for the developer, without the request id. */
export type FunctionOutput =
  | { ok: true; value: string; logLines: string[] }
  | { ok: false; message: string; data?: Json; logLines: string[] };

export interface QueryOutput {
  outcome: FunctionOutput;
  journal: string | null;
}

export interface ScheduleInput {
  path: string;
  args: Json;
  dueMs: number;
}

/** What there is to do when a timer fires. `nothing`: canceled, already run, or run to its end by the worker. */
export type DueWork =
  | { kind: "nothing" }
  | { kind: "ran"; path: string; type: "Mutation"; outcome: FunctionOutput; executionMs: number }
  | { kind: "action"; path: string; args: string };

export interface TransactionRequests {
  queries: { input: QueryInput[]; output: { ts: bigint; results: QueryOutput[] } };
  mutation: { input: MutationInput; output: { outcome: FunctionOutput; ts: bigint | null } };

  /** Finds the action and checks its arguments. */
  admitAction: {
    input: FunctionInput;
    output: { ok: true; module: string; name: string } | { ok: false; message: string };
  };
  checkActionResult: { input: { path: string; value: string }; output: { problem: string | null } };

  schedule: { input: ScheduleInput; output: { id: string } };
  cancelJob: { input: { id: string }; output: null };
  runDue: { input: { timer: string }; output: DueWork };
  /** An action that `runDue` handed out has ended. */
  settleDue: { input: { timer: string; error: string | null }; output: null };

  environment: { input: null; output: Record<string, string> };
  changeEnvironment: { input: { name: string; value: string | null }[]; output: null };

  checkSchema: {
    input: { schema: SchemaJson | null };
    output:
      | { ok: true; added: IndexChange[]; removed: IndexChange[] }
      | { ok: false; table: string; error: string };
  };
  activate: { input: App; output: null };
  replaceAuth: { input: App["auth"]; output: null };
  unwatch: { input: number[]; output: null };
  close: { input: null; output: null };
}

export type RequestKind = keyof TransactionRequests;

export type TransactionRequest = {
  [Kind in RequestKind]: { id: number; kind: Kind; input: TransactionRequests[Kind]["input"] };
}[RequestKind];

/** A timer's key is the key of its system row; null removes the timer. */
export type TimerChange = [timer: string, dueMs: number | null];

export type TransactionMessage =
  | { type: "ready"; ts: bigint; app: App; environment: Record<string, string>; timers: TimerChange[] }
  | { type: "reply"; id: number; output: unknown }
  /** The request was refused before it could run; the message is the reason. */
  | { type: "refused"; id: number; code: string; message: string }
  | { type: "commit"; ts: bigint; watches: number[]; timers: TimerChange[] };

export interface TransactionWorkerData {
  dataDir: string;
  urls: { cloudUrl: string; siteUrl: string };
  nestingDepth: number;
  /** Another worker of this process came before: the actions it handed out are still running. */
  isRestart: boolean;
  slot: SharedArrayBuffer;
}
