/** The parts of a running deployment on the main thread, and the state they share: current app, variables, watches. */
import type { CommitNotice } from "../engine.ts";
import { fireDue } from "../scheduler/fire-due.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { ActionHost } from "./action-host.ts";
import type { App } from "./app.ts";
import { withBuiltIns } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { FunctionCalls } from "./function-calls.ts";
import type { EngineLimits } from "./limits.ts";
import { LogRing } from "./log-ring.ts";
import { TransactionClient } from "./transaction-client.ts";
import type { Ready } from "./transaction-client.ts";
import type { TimerChange } from "./transaction-messages.ts";

export interface Runtime {
  readonly transactions: TransactionClient;
  readonly calls: FunctionCalls;
  readonly actions: ActionHost;
  readonly logs: LogRing;
  readonly state: DeploymentState;
  close(): Promise<void>;
}

/** What the main thread knows without asking the worker. */
export class DeploymentState {
  readonly urls: { cloudUrl: string; siteUrl: string };
  readonly listeners = new Set<(notice: CommitNotice) => void>();
  readonly watches = new Set<number>();
  /** Watches whose query had to be ended: run again only with new code, or they would end the worker over and over. */
  readonly endedWatches = new Set<number>();
  ts = 0n;
  app!: App;
  variables: Environment = {};

  constructor(urls: { cloudUrl: string; siteUrl: string }) {
    this.urls = urls;
  }

  /** What functions see. */
  environment(): Environment {
    return withBuiltIns(this.variables, this.urls);
  }

  committed(ts: bigint, watches: number[]): void {
    if (ts > this.ts) this.ts = ts;
    for (const listener of this.listeners) listener({ ts, watches });
  }

  unwatch(watches: number[]): number[] {
    for (const watch of watches) this.endedWatches.delete(watch);
    return watches.filter((watch) => this.watches.delete(watch));
  }

  /** A new worker knows no watch, so every one of them must run its query again. */
  readSetsLost(): void {
    this.committed(
      this.ts,
      [...this.watches].filter((watch) => !this.endedWatches.has(watch)),
    );
  }

  /** Other code or other variables may let the ended queries return. */
  retryEnded(): void {
    const watches = [...this.endedWatches];
    this.endedWatches.clear();
    if (watches.length > 0) this.committed(this.ts, watches);
  }
}

export async function openRuntime(
  dataDir: string,
  urls: { cloudUrl: string; siteUrl: string },
  limits: EngineLimits,
): Promise<Runtime> {
  const state = new DeploymentState(urls);
  const logs = new LogRing();
  const early: TimerChange[] = [];
  let changeTimers = (timers: TimerChange[]): void => {
    early.push(...timers);
  };
  let isRestart = false;

  const onReady = ({ ts, app, environment, timers }: Ready) => {
    state.app = app;
    state.variables = environment;
    changeTimers(timers);
    if (ts > state.ts) state.ts = ts;
    if (isRestart) state.readSetsLost();
    isRestart = true;
  };
  const transactions = await TransactionClient.start({
    dataDir,
    urls,
    limits,
    onReady,
    onCommit: ({ ts, watches, timers }) => {
      changeTimers(timers);
      state.committed(ts, watches);
    },
  });
  const calls = new FunctionCalls(transactions, logs, (watch) => state.endedWatches.add(watch));
  const actions = new ActionHost(transactions, calls, limits, state.app, state.environment());
  const scheduler = new Scheduler((timer) => fireDue({ transactions, actions, calls }, timer));
  changeTimers = (timers) => scheduler.change(timers);
  changeTimers(early);

  return {
    transactions,
    calls,
    actions,
    logs,
    state,
    async close() {
      scheduler.close();
      logs.close();
      await actions.close();
      await transactions.close();
    },
  };
}
