import type { Json } from "../../values/json.ts";
import { FunctionFailure } from "../failure.ts";
import type { SyscallArguments } from "../syscall-arguments.ts";
import type { EncodedJson } from "./encoded-json.ts";
import type { Execution } from "./execution.ts";

export type SyncSyscall = (execution: Execution, args: SyscallArguments) => Json | EncodedJson;
export type AsyncSyscall = (
  execution: Execution,
  args: SyscallArguments,
) => Json | EncodedJson | Promise<Json>;

export function requireMutation(execution: Execution, what: string): void {
  if (execution.type !== "Mutation") throw new FunctionFailure(`${what} is not available in queries.`);
}
