/** `globalThis.Convex` in action workers: questions about the action are answered here, all else by the main thread. */
import type { FromActionWorker, SyscallReply } from "../action-messages.ts";
import { FunctionFailure } from "../failure.ts";
import { displayPath, parseFunctionPath } from "../function-path.ts";
import { functionHandle, pathOfReference } from "../function-reference.ts";
import type { SyscallArguments } from "../syscall-arguments.ts";
import { unsupported } from "../unsupported.ts";
import type { Json } from "../../values/json.ts";
import { actionOf } from "./execution.ts";
import type { ActionExecution } from "./execution.ts";

const answeredByHost = new Set([
  "1.0/actions/query",
  "1.0/actions/mutation",
  "1.0/actions/action",
  "1.0/actions/schedule",
  "1.0/actions/cancel_job",
]);

const answeredHere: Record<string, (execution: ActionExecution, args: SyscallArguments) => Json> = {
  "1.0/getUserIdentity": ({ start }) => start.identity,
  "1.0/getFunctionMetadata": ({ path }) => ({ name: path ? displayPath(path) : "http", componentPath: "" }),
  "1.0/getDeploymentMetadata": () => ({ name: "local", region: null, class: "s16" }),
  "1.0/getRequestMetadata": ({ start: { requestId, scheduledFunctionId } }) => ({
    ip: null,
    userAgent: null,
    requestId,
    scheduledFunctionId,
    authToken: null,
  }),
  "1.0/createFunctionHandle": (_execution, args) => functionHandle(parseFunctionPath(pathOfReference(args))!),
  "1.0/auditLog": () => null,
};

export class ActionSyscalls {
  readonly #post: (message: FromActionWorker) => void;
  readonly #waiting = new Map<number, (reply: SyscallReply) => void>();
  #nextCall = 1;

  constructor(post: (message: FromActionWorker) => void) {
    this.#post = post;
  }

  receive(call: number, reply: SyscallReply): void {
    this.#waiting.get(call)?.(reply);
    this.#waiting.delete(call);
  }

  install(): void {
    const unavailable = (op: string): Error =>
      unsupported(op) ?? new Error(`${op} is not available in actions of the local deployment.`);
    const convex = {
      syscall: (op: string) => {
        throw unavailable(op);
      },
      asyncSyscall: (op: string, args: string) => this.#perform(op, args),
      jsSyscall: async (op: string) => {
        throw unavailable(op);
      },
    };
    Object.defineProperty(globalThis, "Convex", { value: Object.freeze(convex) });
  }

  async #perform(op: string, text: string): Promise<string> {
    const args = JSON.parse(text) as SyscallArguments;
    const execution = actionOf(args.requestId);
    if (!execution) throw new Error(`${op} was called outside of a running action.`);
    const answer = Object.hasOwn(answeredHere, op) ? answeredHere[op]! : null;
    if (answer) return JSON.stringify(answer(execution, args));
    if (!answeredByHost.has(op))
      throw unsupported(op) ?? new FunctionFailure(`Unknown async operation ${op}`);
    return this.#ask(execution, op, text);
  }

  #ask(execution: ActionExecution, op: string, args: string): Promise<string> {
    const call = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, (reply) => {
        if (reply.ok) resolve(reply.value);
        else
          reject(Object.assign(new Error(reply.message), reply.data !== undefined && { data: reply.data }));
      });
      this.#post({ type: "syscall", call, token: execution.start.token, op, args });
    });
  }
}
