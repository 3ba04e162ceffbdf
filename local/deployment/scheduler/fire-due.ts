/** What happens when a timer fires: the worker runs a mutation itself, an action is run in the pool and then settled. */
import { performance } from "node:perf_hooks";
import type { ActionHost } from "../runtime/action-host.ts";
import type { FunctionCalls } from "../runtime/function-calls.ts";
import { RunEnded } from "../runtime/transaction-client.ts";
import type { TransactionClient } from "../runtime/transaction-client.ts";

export interface DueRunner {
  transactions: TransactionClient;
  actions: ActionHost;
  calls: FunctionCalls;
}

export async function fireDue({ transactions, actions, calls }: DueRunner, timer: string): Promise<void> {
  const requestId = timer.slice(-16);
  const jobId = timer.startsWith("job/") ? timer.slice("job/".length) : undefined;
  try {
    const work = await transactions.call("runDue", { timer });
    if (work.kind === "ran") {
      const startedMs = performance.now() - work.executionMs;
      calls.log({ path: work.path, udfType: work.type, requestId, startedMs, outcome: work.outcome });
    } else if (work.kind === "action") {
      const outcome = await actions.action({
        path: work.path,
        args: work.args,
        identity: null,
        requestId,
        access: "any",
        ...(jobId !== undefined && { scheduledFunctionId: jobId }),
      });
      await transactions.call("settleDue", { timer, error: outcome.ok ? null : outcome.message });
    }
  } catch (error) {
    // A mutation that had to be ended has failed, as one that throws has. Anything else is the deployment closing, and
    // what was not settled is found again at the next start.
    if (error instanceof RunEnded && error.inFunction) {
      await transactions.call("settleDue", { timer, error: error.message }).catch(() => undefined);
    }
  }
}
