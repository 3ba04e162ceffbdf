/** The world of actions: real time, network and timers, but `process.env` holds the deployment's variables only. */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createConsole } from "../console-lines.ts";
import { createProcess } from "../environment.ts";
import type { Environment } from "../environment.ts";
import { hideGlobal } from "../hidden-globals.ts";
import { currentAction } from "./execution.ts";

export function installIsolateGlobals(environment: () => Environment): void {
  hideGlobal(
    "process",
    createProcess(environment, () => undefined),
  );
  for (const name of ["Buffer", "global", "setImmediate", "clearImmediate"]) hideGlobal(name);
  installShared();
}

/** "use node": everything Node has. Bundles call `require` for packages that are not ES modules. */
export function installNodeGlobals(): void {
  define("require", createRequire(join(process.cwd(), "package.json")));
  installShared();
}

/** In a worker `process.env` is the thread's own. */
export function replaceNodeEnvironment(variables: Environment): void {
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, variables);
}

function installShared(): void {
  define(
    "console",
    createConsole(
      () => currentAction()?.lines ?? null,
      () => Date.now(),
    ),
  );
  Object.assign(globalThis, { self: globalThis, AsyncLocalStorage, AsyncResource });
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: false, writable: true });
}
