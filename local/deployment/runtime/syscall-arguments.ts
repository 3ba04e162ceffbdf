import type { Json } from "../values/json.ts";
import { FunctionFailure } from "./failure.ts";

/** As the client library wrote them: trusted in shape, since pushed code reaches nothing else by forging them. */
export type SyscallArguments = Record<string, Json | undefined>;

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
