/** What the main thread and an action worker say to each other. Plain data that structured clone carries. */
import type { UserIdentity } from "../engine.ts";
import type { Json } from "../values/json.ts";
import type { App } from "./app.ts";
import type { Environment } from "./environment.ts";
import type { FunctionOutput } from "./transaction-messages.ts";

export type ActionEnvironment = "isolate" | "node";

/** How a running action is known on both sides; pushed code carries it as its request id. */
export type ActionToken = string;

export interface ActionStart {
  token: ActionToken;
  requestId: string;
  identity: UserIdentity | null;
  scheduledFunctionId: string | null;
}

export interface HttpRequestData {
  url: string;
  method: string;
  headers: [string, string][];
  body: ArrayBuffer | null;
}

export interface HttpResponseData {
  status: number;
  statusText: string;
  headers: [string, string][];
  body: ArrayBuffer | null;
}

export type HttpOutput =
  | { ok: true; response: HttpResponseData; route: string; logLines: string[] }
  /** `noRoute`: http.js does not handle this path and method. */
  | { ok: false; noRoute: true }
  | { ok: false; noRoute: false; route: string; message: string; data?: Json; logLines: string[] };

export type SyscallReply = { ok: true; value: string } | { ok: false; message: string; data?: Json };

export type ToActionWorker =
  | { type: "configure"; app: App; environment: Environment }
  | { type: "action"; start: ActionStart; module: string; name: string; args: string }
  | { type: "http"; start: ActionStart; request: HttpRequestData }
  | { type: "syscallReply"; call: number; reply: SyscallReply }
  | { type: "ping"; sequence: number };

export type FromActionWorker =
  | { type: "ready" }
  | { type: "actionDone"; token: ActionToken; output: FunctionOutput }
  | { type: "httpDone"; token: ActionToken; output: HttpOutput }
  | { type: "syscall"; call: number; token: ActionToken; op: string; args: string }
  | { type: "pong"; sequence: number };

export interface ActionWorkerData {
  environment: ActionEnvironment;
}
