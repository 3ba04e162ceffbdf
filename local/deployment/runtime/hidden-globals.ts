/**
 * Globals of Node.js that pushed code must not find but Node's own web APIs need: a fetch Response reads its body through
 * the global `Buffer`. So what the global is depends on whose code asks, told by the innermost frame of the stack.
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
  const { stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, below);
  Error.stackTraceLimit = stackTraceLimit;
  return String(holder.stack).includes(moduleScheme);
}
