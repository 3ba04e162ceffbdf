import type { Json } from "../../values/json.ts";
import { FunctionFailure } from "../failure.ts";
import type { Execution } from "./execution.ts";

/** Arguments as the client library wrote them: trusted in shape, since pushed code reaches nothing else by forging them. */
export type SyscallArguments = Record<string, Json | undefined>;

export type SyncSyscall = (execution: Execution, args: SyscallArguments) => Json;
export type AsyncSyscall = (execution: Execution, args: SyscallArguments) => Json | Promise<Json>;

export function textArgument(args: SyscallArguments, name: string): string {
  const value = args[name];
  if (typeof value !== "string")
    throw new FunctionFailure(`Invalid argument \`${name}\`: expected a string.`);
  return value;
}

export function numberArgument(args: SyscallArguments, name: string): number {
  const value = args[name];
  if (typeof value !== "number")
    throw new FunctionFailure(`Invalid argument \`${name}\`: expected a number.`);
  return value;
}

export function requireMutation(execution: Execution, what: string): void {
  if (execution.type !== "Mutation") throw new FunctionFailure(`${what} is not available in queries.`);
}
