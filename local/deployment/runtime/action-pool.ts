/** Keeps action workers warm, and spreads actions over them. */
import type { App } from "./app.ts";
import type { ActionEnvironment, ActionToken, SyscallReply, ToActionWorker } from "./action-messages.ts";
import { ActionWorker } from "./action-worker.ts";
import type { ActionOutput } from "./action-worker.ts";
import type { Environment } from "./environment.ts";
import type { EngineLimits } from "./limits.ts";

export interface ActionPoolOptions {
  limits: EngineLimits;
  onSyscall(token: ActionToken, op: string, args: string): Promise<SyscallReply>;
}

export class ActionPool {
  readonly #options: ActionPoolOptions;
  readonly #workers: Record<ActionEnvironment, Set<ActionWorker>> = { isolate: new Set(), node: new Set() };
  #app: App;
  #environment: Environment;
  #isClosed = false;

  constructor(options: ActionPoolOptions, app: App, environment: Environment) {
    this.#options = options;
    this.#app = app;
    this.#environment = environment;
    this.#warm();
  }

  configure(app: App, environment: Environment): void {
    this.#app = app;
    this.#environment = environment;
    for (const workers of Object.values(this.#workers)) {
      for (const worker of workers) worker.configure(app, environment);
    }
    this.#warm();
  }

  run(
    environment: ActionEnvironment,
    message: Extract<ToActionWorker, { type: "action" | "http" }>,
  ): Promise<ActionOutput> {
    return this.#choose(environment).run(message);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const workers = Object.values(this.#workers).flatMap((set) => [...set]);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  /** The least loaded one; another is started when that one is full. Past that actions share, so nested calls never starve. */
  #choose(environment: ActionEnvironment): ActionWorker {
    const { actionsPerWorker, actionWorkers } = this.#options.limits;
    const usable = [...this.#workers[environment]].filter((worker) => !worker.isRetired);
    const least = usable.sort((a, b) => a.load - b.load)[0];
    if (least && (least.load < actionsPerWorker || usable.length >= actionWorkers)) return least;
    return this.#start(environment);
  }

  #start(environment: ActionEnvironment): ActionWorker {
    const workers = this.#workers[environment];
    const worker = new ActionWorker({
      ...this.#options,
      environment,
      onEnd: (ended) => {
        workers.delete(ended);
        if (!this.#isClosed && ended.isReady) this.#warm();
      },
    });
    workers.add(worker);
    worker.configure(this.#app, this.#environment);
    return worker;
  }

  /** A worker takes over a hundred milliseconds to start: one is kept for each environment the app has actions in. */
  #warm(): void {
    const environments = new Map(this.#app.modules.map(({ path, environment }) => [path, environment]));
    const needed = new Set<ActionEnvironment>();
    for (const [path, functions] of Object.entries(this.#app.functions)) {
      if (functions.some(({ type }) => type === "Action")) needed.add(environments.get(path) ?? "isolate");
    }
    if (this.#app.httpRoutes) needed.add("isolate");
    for (const environment of needed) {
      if (this.#workers[environment].size === 0) this.#start(environment);
    }
  }
}
