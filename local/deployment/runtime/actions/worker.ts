/**
 * Entry of an action worker. Runs actions of one environment, "isolate" (with HTTP actions) or "node", several at a time;
 * everything they do to the database goes through the main thread.
 */
import { parentPort, workerData } from "node:worker_threads";
import type {
  ActionStart,
  ActionWorkerData,
  FromActionWorker,
  HttpOutput,
  HttpRequestData,
  ToActionWorker,
} from "../action-messages.ts";
import { emptyApp } from "../app.ts";
import type { App } from "../app.ts";
import type { Environment } from "../environment.ts";
import { failureOf } from "../failure.ts";
import { ModuleGraph } from "../module-graph.ts";
import type { Namespace } from "../module-graph.ts";
import { SourceFrames } from "../source-frames.ts";
import type { FunctionOutput } from "../transaction-messages.ts";
import { ActionExecution, currentAction, runAs } from "./execution.ts";
import { installIsolateGlobals, installNodeGlobals, replaceNodeEnvironment } from "./globals.ts";
import { invokeHttpAction } from "./http.ts";
import type { HttpRouter } from "./http.ts";
import { ActionSyscalls } from "./syscalls.ts";

const httpModule = "http.js";

const port = parentPort!;
const isNode = (workerData as ActionWorkerData).environment === "node";
const post = (message: FromActionWorker) => port.postMessage(message);
const syscalls = new ActionSyscalls(post);
const failures = globalThis.process;
let environment: Environment = {};
let loaded = instantiate(emptyApp);

failures.on("unhandledRejection", (reason) =>
  currentAction()?.lines.add("ERROR", ["Unhandled rejection:", reason]),
);
failures.on("uncaughtException", (error) =>
  currentAction()?.lines.add("ERROR", ["Uncaught exception:", error]),
);
if (isNode) installNodeGlobals();
else installIsolateGlobals(() => environment);
syscalls.install();

function instantiate(app: App): { app: App; graph: ModuleGraph; frames: SourceFrames } {
  const modules = app.modules.filter((module) => (module.environment === "node") === isNode);
  const graph = new ModuleGraph({
    modules,
    allowDynamicImport: true,
    duringImport: (evaluate) => evaluate(),
    ...(isNode && { importExternal: (specifier: string) => import(specifier) as Promise<Namespace> }),
  });
  return { app, graph, frames: new SourceFrames(modules) };
}

/** So that the first call finds its module evaluated. A module that fails says so when it is called. */
async function warm({ app, graph }: typeof loaded): Promise<void> {
  const paths = Object.keys(app.functions).filter((path) =>
    app.functions[path]!.some(({ type }) => type === "Action"),
  );
  if (!isNode && app.httpRoutes) paths.push(httpModule);
  const mine = new Set(
    app.modules.filter((module) => (module.environment === "node") === isNode).map(({ path }) => path),
  );
  await Promise.allSettled(paths.filter((path) => mine.has(path)).map((path) => graph.load(path)));
}

async function runAction(message: Extract<ToActionWorker, { type: "action" }>): Promise<FunctionOutput> {
  const { start, module, name, args } = message;
  const { graph, frames } = loaded;
  const execution = new ActionExecution(start, { module, name });
  const logLines = execution.lines.lines;
  try {
    const value = await runAs(execution, async () => {
      const namespace = graph.loaded(module) ?? (await graph.load(module));
      const registered = namespace[name] as { invokeAction(token: string, args: string): Promise<string> };
      return registered.invokeAction(start.token, args);
    });
    return { ok: true, value, logLines };
  } catch (error) {
    const { message: text, data } = failureOf(error, (stack) => frames.of(stack));
    return { ok: false, message: text, ...(data !== undefined && { data }), logLines };
  }
}

async function runHttp(start: ActionStart, request: HttpRequestData): Promise<HttpOutput> {
  const { graph, frames } = loaded;
  const execution = new ActionExecution(start, null);
  const logLines = execution.lines.lines;
  let route = request.url;
  try {
    return await runAs(execution, async () => {
      const { default: router } = graph.loaded(httpModule) ?? (await graph.load(httpModule));
      const found = (router as HttpRouter).lookup(new URL(request.url).pathname, request.method);
      if (!found) return { ok: false, noRoute: true };
      route = `${found[1]} ${found[2]}`;
      return { ok: true, response: await invokeHttpAction(found[0], request), route, logLines };
    });
  } catch (error) {
    const { message, data } = failureOf(error, (stack) => frames.of(stack));
    return { ok: false, noRoute: false, route, message, ...(data !== undefined && { data }), logLines };
  }
}

port.on("message", (message: ToActionWorker) => {
  switch (message.type) {
    case "configure":
      ({ environment } = message);
      if (isNode) replaceNodeEnvironment(environment);
      loaded = instantiate(message.app);
      void warm(loaded);
      break;
    case "action":
      void runAction(message).then((output) =>
        post({ type: "actionDone", token: message.start.token, output }),
      );
      break;
    case "http":
      void runHttp(message.start, message.request).then((output) =>
        post({ type: "httpDone", token: message.start.token, output }),
      );
      break;
    case "syscallReply":
      syscalls.receive(message.call, message.reply);
      break;
    case "ping":
      post({ type: "pong", sequence: message.sequence });
      break;
  }
});
post({ type: "ready" });
