/** The three ways in which a syscall names another function. */
import { FunctionFailure } from "./failure.ts";
import { parseFunctionPath, storedPath } from "./function-path.ts";
import type { FunctionPath } from "./function-path.ts";
import type { SyscallArguments } from "./syscall-arguments.ts";

const handleScheme = "function://app/";

export function functionHandle(path: FunctionPath): string {
  return `${handleScheme}${storedPath(path)}`;
}

/** Canonical path of the function that `name`, `functionHandle` or `reference` names; whether it exists is not asked. */
export function pathOfReference(args: SyscallArguments): string {
  const { name, functionHandle: handle, reference } = args;
  const text =
    typeof name === "string"
      ? name
      : typeof handle === "string" && handle.startsWith(handleScheme)
        ? handle.slice(handleScheme.length)
        : null;
  const path = text === null ? null : parseFunctionPath(text);
  if (path) return storedPath(path);
  if (typeof reference === "string") {
    throw new FunctionFailure(
      `Components are not supported by the local deployment (reference ${reference}).`,
    );
  }
  throw new FunctionFailure(`Invalid function reference: ${JSON.stringify(name ?? handle ?? null)}`);
}
