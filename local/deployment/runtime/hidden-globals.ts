/**
 * Globals of Node.js that pushed code must not find but Node's own web APIs need: a fetch Response reads its body through
 * the global `Buffer`. So what the global is depends on whose code asks, told by the innermost frame of the stack that is no builtin's.
 */
import { moduleScheme } from "./source-frames.ts";

/**
 * Pushed code may also assign the global, as polyfills do; only pushed code sees that. Looking at the stack costs
 * microseconds, so `canBePushedCode` says when there is no need to.
 */
export function hideGlobal(
  name: string,
  replacement?: unknown,
  canBePushedCode: () => boolean = () => true,
): void {
  const target = globalThis as Record<string, unknown>;
  let original = target[name];
  let seen = replacement;
  const get = (): unknown => (canBePushedCode() && isPushedCode(get) ? seen : original);
  const set = (value: unknown): void => {
    if (canBePushedCode() && isPushedCode(set)) seen = value;
    else original = value;
  };
  Object.defineProperty(globalThis, name, { configurable: true, enumerable: false, get, set });
}

/** Whether pushed code called the function `below`. */
function isPushedCode(below: (...args: never[]) => unknown): boolean {
  // Nearly always the innermost frame tells.
  const [innermost] = framesBelow(below, 1);
  if (innermost !== undefined && !isBuiltin(innermost)) return isPushed(innermost);
  const caller = framesBelow(below, 100).find((frame) => !isBuiltin(frame));
  // Builtins alone, as after `promise.then(Reflect.get.bind(…))`: Node's own code does not ask like that.
  return caller === undefined || isPushed(caller);
}

function framesBelow(below: (...args: never[]) => unknown, limit: number): string[] {
  const { stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = limit;
  Error.captureStackTrace(holder, below);
  Error.stackTraceLimit = stackTraceLimit;
  return String(holder.stack).split("\n").slice(1);
}

/** `Reflect.get (<anonymous>)`: whoever called it asks. */
function isBuiltin(frame: string): boolean {
  return frame.endsWith("<anonymous>)") || frame.endsWith(" <anonymous>");
}

function isPushed(frame: string): boolean {
  return frame.includes(moduleScheme);
}
