/**
 * The main thread's line to the transaction worker. Owns the worker's life: ends it when pushed code does not return,
 * starts it again, and sends once more what the old one had not begun.
 */
import { performance } from "node:perf_hooks";
import type { Worker } from "node:worker_threads";
import { RequestError } from "../engine.ts";
import type { EngineLimits } from "./limits.ts";
import { startThread } from "./thread.ts";
import { createRunSlot, RunSlotObserver } from "./transactions/run-slot.ts";
import type {
  RequestKind,
  TransactionMessage,
  TransactionRequest,
  TransactionRequests,
  TransactionWorkerData,
} from "./transaction-messages.ts";

const watchEveryMs = 100;
/** Starts in a row that ended before anything was answered: the fault is not one request's. */
const maxFailedStarts = 3;

export type Ready = Extract<TransactionMessage, { type: "ready" }>;
export type Commit = Extract<TransactionMessage, { type: "commit" }>;

/** The worker ended while it was serving this request. */
export class RunEnded extends Error {
  override name = "RunEnded";
  constructor(
    message: string,
    /** Which query of a batch it was. */
    readonly index: number,
    /** False: it ended outside of pushed code, and whether the request took effect is not known. */
    readonly inFunction: boolean,
  ) {
    super(message);
  }
}

export interface TransactionClientOptions {
  dataDir: string;
  urls: { cloudUrl: string; siteUrl: string };
  limits: EngineLimits;
  onReady(ready: Ready): void;
  onCommit(commit: Commit): void;
}

interface Pending {
  request: TransactionRequest;
  resolve: (output: never) => void;
  reject: (error: Error) => void;
}

export class TransactionClient {
  readonly #options: TransactionClientOptions;
  readonly #pending = new Map<number, Pending>();
  #worker!: Worker;
  #observer!: RunSlotObserver;
  #watchdog: NodeJS.Timeout;
  #watched: { run: number; sinceMs: number } | null = null;
  #nextId = 1;
  #unsent: TransactionRequest[] = [];
  #isReady = false;
  #failedStarts = 0;
  #ending: string | null = null;
  #state: "open" | "closing" | "failed" = "open";
  #firstReady: { resolve: () => void; reject: (error: Error) => void } | null = null;

  static async start(options: TransactionClientOptions): Promise<TransactionClient> {
    const client = new TransactionClient(options);
    await new Promise<void>((resolve, reject) => {
      client.#firstReady = { resolve, reject };
      client.#start();
    });
    return client;
  }

  private constructor(options: TransactionClientOptions) {
    this.#options = options;
    this.#watchdog = setInterval(() => this.#watch(), watchEveryMs);
    this.#watchdog.unref();
  }

  call<Kind extends RequestKind>(
    kind: Kind,
    input: TransactionRequests[Kind]["input"],
  ): Promise<TransactionRequests[Kind]["output"]> {
    if (this.#state !== "open") return Promise.reject(closedError());
    return this.#send(kind, input);
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closing";
    await this.#send("close", null);
    clearInterval(this.#watchdog);
    await this.#worker.terminate();
  }

  #send<Kind extends RequestKind>(
    kind: Kind,
    input: TransactionRequests[Kind]["input"],
  ): Promise<TransactionRequests[Kind]["output"]> {
    const request = { id: this.#nextId++, kind, input } as TransactionRequest;
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { request, resolve, reject });
      this.#post(request);
    });
  }

  /** Requests of one turn travel together. */
  #post(request: TransactionRequest): void {
    this.#unsent.push(request);
    if (this.#unsent.length === 1 && this.#isReady) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    if (!this.#isReady || this.#unsent.length === 0) return;
    this.#worker.postMessage(this.#unsent);
    this.#unsent = [];
  }

  #start(): void {
    const { dataDir, urls, limits } = this.#options;
    const slot = createRunSlot();
    const workerData: TransactionWorkerData = {
      dataDir,
      urls,
      nestingDepth: limits.nestingDepth,
      isRestart: this.#firstReady === null,
      slot,
    };
    this.#observer = new RunSlotObserver(slot);
    this.#watched = null;
    const worker = startThread(new URL("./transactions/worker.ts", import.meta.url), {
      workerData,
      heapMb: limits.heapMb,
      env: {},
    });
    this.#worker = worker;
    let cause: Error | null = null;
    worker.on("message", (messages: TransactionMessage[]) =>
      messages.forEach((message) => this.#receive(message)),
    );
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", () => this.#ended(cause));
  }

  #receive(message: TransactionMessage): void {
    switch (message.type) {
      case "ready":
        this.#isReady = true;
        this.#options.onReady(message);
        this.#firstReady?.resolve();
        this.#firstReady = null;
        this.#flush();
        break;
      case "commit":
        this.#options.onCommit(message);
        break;
      case "reply":
        this.#settle(message.id)?.resolve(message.output as never);
        break;
      case "refused":
        this.#settle(message.id)?.reject(new RequestError(400, message.code, message.message));
        break;
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#failedStarts = 0;
    return pending;
  }

  #watch(): void {
    const run = this.#observer.running();
    const nowMs = performance.now();
    if (run === null) this.#watched = null;
    else if (this.#watched?.run !== run) this.#watched = { run, sinceMs: nowMs };
    else if (nowMs - this.#watched.sinceMs > this.#options.limits.functionMs && this.#observer.take(run)) {
      this.#ending = `Function execution timed out (maximum duration: ${this.#options.limits.functionMs / 1000}s)`;
      void this.#worker.terminate();
    }
  }

  #ended(cause: Error | null): void {
    if (this.#state === "closing") {
      for (const { reject } of this.#pending.values()) reject(closedError());
      return;
    }
    const wasReady = this.#isReady;
    this.#isReady = false;
    const { messageId, index, inFunction } = this.#observer.last();
    const culprit = wasReady ? this.#pending.get(messageId) : undefined;
    const message = this.#ending ?? endMessage(cause);
    this.#ending = null;
    this.#failedStarts++;
    if (culprit) {
      this.#pending.delete(messageId);
      culprit.reject(new RunEnded(message, index, inFunction));
    }
    if (this.#failedStarts > maxFailedStarts || this.#firstReady) {
      this.#state = "failed";
      clearInterval(this.#watchdog);
      const error = cause ?? new Error(message);
      this.#firstReady?.reject(error);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      return;
    }
    this.#unsent = [...this.#pending.values()].map(({ request }) => request);
    this.#start();
  }
}

function endMessage(cause: Error | null): string {
  if (cause && (cause as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY") {
    return "Function execution ran out of memory";
  }
  return `The function runtime ended: ${cause?.message ?? "unknown cause"}`;
}

function closedError(): Error {
  return new RequestError(
    503,
    "DeploymentClosed",
    "The deployment is shut down or has failed. Start it again.",
  );
}
