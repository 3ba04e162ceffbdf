/** Runs actions and HTTP actions in the pool, and gives them their queries, mutations, actions and scheduler. */
import { performance } from "node:perf_hooks";
import type { UserIdentity } from "../engine.ts";
import type {
  ActionEnvironment,
  ActionStart,
  ActionToken,
  HttpOutput,
  HttpRequestData,
  SyscallReply,
} from "./action-messages.ts";
import { ActionPool } from "./action-pool.ts";
import type { App } from "./app.ts";
import type { Environment } from "./environment.ts";
import { FunctionFailure } from "./failure.ts";
import type { FunctionCalls } from "./function-calls.ts";
import type { Access } from "./function-lookup.ts";
import { pathOfReference } from "./function-reference.ts";
import type { EngineLimits } from "./limits.ts";
import { failedOutput } from "./outcome.ts";
import { numberArgument, textArgument } from "./syscall-arguments.ts";
import type { SyscallArguments } from "./syscall-arguments.ts";
import type { TransactionClient } from "./transaction-client.ts";
import type { FunctionOutput } from "./transaction-messages.ts";

export interface ActionCall {
  path: string;
  args: string;
  identity: UserIdentity | null;
  requestId: string;
  access: Access;
  scheduledFunctionId?: string;
}

export class ActionHost {
  readonly #transactions: TransactionClient;
  readonly #calls: FunctionCalls;
  readonly #pool: ActionPool;
  readonly #running = new Map<ActionToken, ActionStart>();
  #environments!: Map<string, ActionEnvironment>;
  #nextToken = 1;

  constructor(
    transactions: TransactionClient,
    calls: FunctionCalls,
    limits: EngineLimits,
    app: App,
    environment: Environment,
  ) {
    this.#transactions = transactions;
    this.#calls = calls;
    const onSyscall = (token: ActionToken, op: string, args: string) => this.#answer(token, op, args);
    this.#pool = new ActionPool({ limits, onSyscall }, app, environment);
    this.#index(app);
  }

  configure(app: App, environment: Environment): void {
    this.#index(app);
    this.#pool.configure(app, environment);
  }

  async action(call: ActionCall): Promise<FunctionOutput> {
    const startedMs = performance.now();
    const { path, args, identity, requestId, access } = call;
    const outcome = await this.#runAction(
      call,
      await this.#transactions.call("admitAction", { path, args, identity, requestId, access }),
    );
    this.#calls.log({ path, requestId, udfType: "Action", startedMs, outcome });
    return outcome;
  }

  async http(
    request: HttpRequestData,
    identity: UserIdentity | null,
    requestId: string,
  ): Promise<HttpOutput> {
    const startedMs = performance.now();
    const output = (await this.#during({ identity, requestId, scheduledFunctionId: null }, (start) =>
      this.#pool.run("isolate", { type: "http", start, request }),
    )) as HttpOutput;
    if (output.ok || !output.noRoute) {
      this.#calls.log({ path: output.route, requestId, udfType: "HttpAction", startedMs, outcome: output });
    }
    return output;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #index(app: App): void {
    this.#environments = new Map(app.modules.map(({ path, environment }) => [path, environment]));
  }

  async #runAction(
    { path, args, identity, requestId, scheduledFunctionId }: ActionCall,
    admission: { ok: true; module: string; name: string } | { ok: false; message: string },
  ): Promise<FunctionOutput> {
    if (!admission.ok) return failedOutput(admission.message);
    const { module, name } = admission;
    const environment = this.#environments.get(module) ?? "isolate";
    const output = (await this.#during(
      { identity, requestId, scheduledFunctionId: scheduledFunctionId ?? null },
      (start) => this.#pool.run(environment, { type: "action", start, module, name, args }),
    )) as FunctionOutput;
    if (!output.ok) return output;
    const { problem } = await this.#transactions.call("checkActionResult", { path, value: output.value });
    return problem === null ? output : { ok: false, message: problem, logLines: output.logLines };
  }

  async #during<T>(start: Omit<ActionStart, "token">, run: (start: ActionStart) => Promise<T>): Promise<T> {
    const token = `action-${this.#nextToken++}`;
    const started = { token, ...start };
    this.#running.set(token, started);
    try {
      return await run(started);
    } finally {
      this.#running.delete(token);
    }
  }

  async #answer(token: ActionToken, op: string, text: string): Promise<SyscallReply> {
    const caller = this.#running.get(token);
    if (!caller) return { ok: false, message: `${op} was called by an action that is over.` };
    try {
      return await this.#perform(caller, op, JSON.parse(text) as SyscallArguments);
    } catch (error) {
      if (error instanceof Error) return { ok: false, message: error.message };
      throw error;
    }
  }

  async #perform(caller: ActionStart, op: string, args: SyscallArguments): Promise<SyscallReply> {
    const { identity, requestId } = caller;
    if (op === "1.0/actions/cancel_job") {
      await this.#transactions.call("cancelJob", { id: textArgument(args, "id") });
      return { ok: true, value: "null" };
    }
    const path = pathOfReference(args);
    if (op === "1.0/actions/schedule") {
      const { id } = await this.#transactions.call("schedule", {
        path,
        args: args.args ?? {},
        dueMs: numberArgument(args, "ts") * 1000,
      });
      return { ok: true, value: JSON.stringify(id) };
    }
    const call = {
      path,
      args: JSON.stringify([args.args ?? {}]),
      identity,
      requestId,
      access: "any" as const,
    };
    switch (op) {
      case "1.0/actions/query":
        return reply((await this.#calls.queries([{ ...call, journal: null }])).results[0]!.outcome);
      case "1.0/actions/mutation":
        return reply((await this.#calls.mutation(call)).outcome);
      case "1.0/actions/action":
        return reply(await this.action(call));
      default:
        throw new FunctionFailure(`Unknown async operation ${op}`);
    }
  }
}

function reply(outcome: FunctionOutput): SyscallReply {
  if (outcome.ok) return { ok: true, value: outcome.value };
  const { message, data } = outcome;
  return { ok: false, message, ...(data !== undefined && { data }) };
}
