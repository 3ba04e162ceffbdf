/** One action worker as the main thread sees it: what runs there, and whether it still answers. */
import { performance } from "node:perf_hooks";
import type { Worker } from "node:worker_threads";
import type { App } from "./app.ts";
import type {
  ActionEnvironment,
  ActionToken,
  ActionWorkerData,
  FromActionWorker,
  HttpOutput,
  SyscallReply,
  ToActionWorker,
} from "./action-messages.ts";
import type { Environment } from "./environment.ts";
import type { EngineLimits } from "./limits.ts";
import { startThread } from "./thread.ts";
import type { FunctionOutput } from "./transaction-messages.ts";

const pingEveryMs = 500;

export type ActionOutput = FunctionOutput | HttpOutput;

export interface ActionWorkerOptions {
  environment: ActionEnvironment;
  limits: EngineLimits;
  onSyscall(token: ActionToken, op: string, args: string): Promise<SyscallReply>;
  onEnd(worker: ActionWorker): void;
}

interface Running {
  resolve: (output: ActionOutput) => void;
  limitMs: number;
  /** Runs from the moment the thread is up. */
  timer: NodeJS.Timeout | null;
}

export class ActionWorker {
  readonly #options: ActionWorkerOptions;
  readonly #worker: Worker;
  readonly #running = new Map<ActionToken, Running>();
  /** The thread is up; one that ends before that will not come up a second time either. */
  isReady = false;
  #lastAnswerMs = 0;
  #pinging: NodeJS.Timeout | null = null;
  /** Takes no new action: one of its actions was given up on, and cannot be stopped but with the thread. */
  isRetired = false;

  constructor(options: ActionWorkerOptions) {
    this.#options = options;
    const workerData: ActionWorkerData = { environment: options.environment };
    this.#worker = startThread(new URL("./actions/worker.ts", import.meta.url), {
      workerData,
      heapMb: options.limits.heapMb,
      env: {},
    });
    let cause: Error | null = null;
    this.#worker.on("message", (message: FromActionWorker) => this.#receive(message));
    this.#worker.on("error", (error) => {
      cause = error;
    });
    this.#worker.on("exit", () => this.#ended(cause));
  }

  get load(): number {
    return this.#running.size;
  }

  configure(app: App, environment: Environment): void {
    this.#post({ type: "configure", app, environment });
  }

  run(message: Extract<ToActionWorker, { type: "action" | "http" }>): Promise<ActionOutput> {
    const { token } = message.start;
    const { actionMs, nodeActionMs } = this.#options.limits;
    const limitMs = this.#options.environment === "node" ? nodeActionMs : actionMs;
    return new Promise((resolve) => {
      const running: Running = { resolve, limitMs, timer: null };
      this.#running.set(token, running);
      if (this.isReady) this.#limit(token, running);
      this.#watch();
      this.#post(message);
    });
  }

  terminate(): Promise<number> {
    return this.#worker.terminate();
  }

  #post(message: ToActionWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromActionWorker): void {
    this.#lastAnswerMs = performance.now();
    switch (message.type) {
      case "ready":
        this.isReady = true;
        for (const [token, running] of this.#running) this.#limit(token, running);
        break;
      case "actionDone":
      case "httpDone":
        this.#settle(message.token, message.output);
        break;
      case "syscall":
        void this.#options
          .onSyscall(message.token, message.op, message.args)
          .then((reply) => this.#post({ type: "syscallReply", call: message.call, reply }));
        break;
      case "pong":
        break;
    }
  }

  #settle(token: ActionToken, output: ActionOutput): void {
    const running = this.#running.get(token);
    if (!running) return;
    if (running.timer) clearTimeout(running.timer);
    this.#running.delete(token);
    running.resolve(output);
    if (this.#running.size > 0) return;
    if (this.#pinging) clearInterval(this.#pinging);
    this.#pinging = null;
    if (this.isRetired) void this.terminate();
  }

  #limit(token: ActionToken, running: Running): void {
    running.timer = setTimeout(() => this.#giveUp(token, running.limitMs), running.limitMs);
    running.timer.unref();
  }

  #giveUp(token: ActionToken, limitMs: number): void {
    this.isRetired = true;
    this.#settle(token, timedOut(`Function execution timed out (maximum duration: ${limitMs / 1000}s)`));
  }

  /** While something runs, the thread must keep answering: a busy loop also holds up every other action in it. */
  #watch(): void {
    if (this.#pinging) return;
    this.#lastAnswerMs = performance.now();
    let sequence = 0;
    this.#pinging = setInterval(() => {
      const silentMs = performance.now() - this.#lastAnswerMs;
      if (this.isReady && silentMs > this.#options.limits.unresponsiveMs) {
        this.isRetired = true;
        void this.terminate();
      } else {
        this.#post({ type: "ping", sequence: sequence++ });
      }
    }, pingEveryMs);
    this.#pinging.unref();
  }

  #ended(cause: Error | null): void {
    const seconds = this.#options.limits.unresponsiveMs / 1000;
    const message = cause
      ? `The action's thread ended: ${cause.message}`
      : `Function execution timed out: an action kept its thread busy for more than ${seconds}s without a pause.`;
    this.isRetired = true;
    this.#options.onEnd(this);
    for (const token of [...this.#running.keys()]) this.#settle(token, timedOut(message));
  }
}

function timedOut(message: string): ActionOutput {
  return { ok: false, noRoute: false, route: "", message, logLines: [] };
}
