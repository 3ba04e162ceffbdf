/**
 * What queries and mutations see instead of the thread's own globals. Database and functions share this thread, so every
 * replacement asks whether pushed code is running: outside of it, the original answers.
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { createConsole } from "../console-lines.ts";
import { createProcess } from "../environment.ts";
import type { Environment } from "../environment.ts";
import { hideGlobal } from "../hidden-globals.ts";
import { createDeterministicCrypto } from "./crypto.ts";
import { activeFacilities, refusal } from "./facilities.ts";

export function installGlobals(environment: () => Environment): void {
  installDate();
  installMathRandom();
  const originalPerformance = performance;
  const functionPerformance = {
    timeOrigin: 0,
    now: () => (activeFacilities()?.phase === "mutation" ? originalPerformance.now() : 0),
    toJSON: () => ({ timeOrigin: 0 }),
  };
  const functionConsole = createConsole(
    () => activeFacilities()?.lines ?? null,
    () => activeFacilities()?.nowMs ?? 0,
  );
  const functionProcess = createProcess(environment, (name) => activeFacilities()?.readEnvironment(name));
  replace("performance", () => functionPerformance);
  replace("console", () => functionConsole);
  replace("crypto", createDeterministicCrypto(crypto));
  for (const name of ["fetch", "setTimeout", "setInterval"]) replace(name, refusing(name));
  for (const name of ["clearTimeout", "clearInterval"]) replace(name, () => () => undefined);
  const inPushedCode = () => activeFacilities() !== null;
  for (const name of ["Buffer", "global", "setImmediate", "clearImmediate", "MessageChannel"]) {
    hideGlobal(name, undefined, inPushedCode);
  }
  hideGlobal("process", functionProcess, inPushedCode);
  Object.assign(globalThis, { self: globalThis, AsyncLocalStorage, AsyncResource });
}

function refusing(name: string): () => unknown {
  const refuse = () => {
    throw refusal(`${name}()`);
  };
  return () => refuse;
}

/** Pushed code may also assign the global (polyfills do); the engine never sees that. */
function replace(name: string, replacement: () => unknown): void {
  const target = globalThis as Record<string, unknown>;
  let original = target[name];
  let polyfill: { value: unknown } | null = null;
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: false,
    get: () => (activeFacilities() === null ? original : polyfill ? polyfill.value : replacement()),
    set: (value: unknown) => {
      if (activeFacilities() === null) original = value;
      else polyfill = { value };
    },
  });
}

function installDate(): void {
  const RealDate = Date;
  function FunctionDate(this: unknown, ...args: unknown[]): unknown {
    const constructed = new.target as unknown as { new (): Date } | undefined;
    if (constructed === undefined)
      return new RealDate(activeFacilities()?.nowMs ?? RealDate.now()).toString();
    const facilities = activeFacilities();
    const given = args.length === 0 && facilities !== null ? [facilities.nowMs] : args;
    return Reflect.construct(
      RealDate,
      given,
      (constructed as unknown) === FunctionDate ? RealDate : constructed,
    );
  }
  Object.defineProperty(FunctionDate, "name", { value: "Date" });
  Object.defineProperty(FunctionDate, "length", { value: 7 });
  FunctionDate.now = () => activeFacilities()?.nowMs ?? RealDate.now();
  FunctionDate.parse = RealDate.parse.bind(RealDate);
  FunctionDate.UTC = RealDate.UTC.bind(RealDate);
  FunctionDate.prototype = RealDate.prototype;
  // Or `new (new Date().constructor)()` would tell the real time.
  Object.defineProperty(RealDate.prototype, "constructor", {
    value: FunctionDate,
    configurable: true,
    writable: true,
  });
  (globalThis as Record<string, unknown>).Date = FunctionDate;
}

function installMathRandom(): void {
  const real = Math.random.bind(Math);
  Math.random = () => activeFacilities()?.random.float64() ?? real();
}
