/** Actions running in this worker. Several interleave; which one a line of code belongs to is told by async context. */
import { AsyncLocalStorage } from "node:async_hooks";
import { ConsoleLines } from "../console-lines.ts";
import type { ActionStart, ActionToken } from "../action-messages.ts";
import type { FunctionPath } from "../function-path.ts";

export class ActionExecution {
  readonly lines = new ConsoleLines();

  constructor(
    readonly start: ActionStart,
    readonly path: FunctionPath | null,
  ) {}
}

const executions = new Map<ActionToken, ActionExecution>();
const context = new AsyncLocalStorage<ActionExecution>();

export function currentAction(): ActionExecution | null {
  return context.getStore() ?? null;
}

/** The client library passes an action's token on with each call, which async context can lose; HTTP actions have none. */
export function actionOf(token: unknown): ActionExecution | null {
  if (typeof token === "string" && token !== "") return executions.get(token) ?? null;
  const current = currentAction();
  return current && executions.has(current.start.token) ? current : null;
}

export async function runAs<T>(execution: ActionExecution, run: () => Promise<T>): Promise<T> {
  const { token } = execution.start;
  executions.set(token, execution);
  try {
    return await context.run(execution, run);
  } finally {
    executions.delete(token);
  }
}
