/** Queries and mutations as the rest of the main thread calls them: always an outcome, each run in the log. */
import { performance } from "node:perf_hooks";
import type { LogEntry } from "../engine.ts";
import { displayPath, parseFunctionPath } from "./function-path.ts";
import type { LogRing } from "./log-ring.ts";
import { failedOutput } from "./outcome.ts";
import { RunEnded } from "./transaction-client.ts";
import type { TransactionClient } from "./transaction-client.ts";
import type { FunctionOutput, MutationInput, QueryInput, QueryOutput } from "./transaction-messages.ts";

export interface LoggedRun {
  path: string;
  udfType: LogEntry["udfType"];
  requestId: string;
  startedMs: number;
  outcome: { ok: true; logLines: string[] } | { ok: false; message: string; logLines: string[] };
}

export class FunctionCalls {
  constructor(
    private readonly transactions: TransactionClient,
    private readonly logs: LogRing,
    private readonly onWatchEnded: (watch: number) => void,
  ) {}

  /** All at one snapshot, also when one of them has to be ended: the others then run again without it. */
  async queries(inputs: QueryInput[]): Promise<{ ts: bigint; results: QueryOutput[] }> {
    const startedMs = performance.now();
    const results = new Map<number, QueryOutput>();
    let ts: bigint;
    for (;;) {
      const indexes = [...inputs.keys()].filter((index) => !results.has(index));
      try {
        const answer = await this.transactions.call(
          "queries",
          indexes.map((index) => inputs[index]!),
        );
        ts = answer.ts;
        answer.results.forEach((result, i) => results.set(indexes[i]!, result));
        break;
      } catch (error) {
        if (!(error instanceof RunEnded)) throw error;
        const { watch } = inputs[indexes[error.index]!]!;
        if (watch !== undefined) this.onWatchEnded(watch);
        results.set(indexes[error.index]!, { outcome: failedOutput(error.message), journal: null });
      }
    }
    const ordered = inputs.map((_input, index) => results.get(index)!);
    ordered.forEach(({ outcome }, index) => {
      const { path, requestId } = inputs[index]!;
      this.log({ path, requestId, udfType: "Query", startedMs, outcome });
    });
    return { ts, results: ordered };
  }

  async mutation(input: MutationInput): Promise<{ outcome: FunctionOutput; ts: bigint | null }> {
    const startedMs = performance.now();
    const result = await this.#runMutation(input);
    this.log({ ...input, udfType: "Mutation", startedMs, outcome: result.outcome });
    return result;
  }

  log({ path, udfType, requestId, startedMs, outcome }: LoggedRun): void {
    const parsed = parseFunctionPath(path);
    this.logs.add({
      kind: "Completion",
      identifier: parsed && udfType !== "HttpAction" ? displayPath(parsed) : path,
      udfType,
      timestamp: Date.now() / 1000,
      executionTime: (performance.now() - startedMs) / 1000,
      requestId,
      logLines: outcome.logLines,
      ...(!outcome.ok && { error: outcome.message }),
    });
  }

  async #runMutation(input: MutationInput): Promise<{ outcome: FunctionOutput; ts: bigint | null }> {
    try {
      return await this.transactions.call("mutation", input);
    } catch (error) {
      if (!(error instanceof RunEnded)) throw error;
      // The stored answer tells whether it had committed.
      if (!error.inFunction && input.dedupe) return this.transactions.call("mutation", input);
      return { outcome: failedOutput(error.message), ts: null };
    }
  }
}
