/** Evaluates pushed modules in a thread of their own, which pushed code may block or break without harm. */
import { RequestError } from "../engine.ts";
import type { SchemaJson } from "../database/database.ts";
import type { AppFunction, AppModule, CronSchedule } from "../runtime/app.ts";
import type { Environment } from "../runtime/environment.ts";
import { startThread } from "../runtime/thread.ts";
import type { Json } from "../values/json.ts";
import type { AppDefinition } from "./declared-variables.ts";

const limitMs = 30_000;
const heapMb = 512;

export interface AnalysisInput {
  modules: AppModule[];
  /** convex.config.js: says what the app needs, and is not part of it. */
  definition?: AppModule;
  /** Variables with the built-in ones. */
  environment: Environment;
  pushedAtMs: number;
}

export interface Analysis {
  /** Null when none was given. */
  definition: AppDefinition | null;
  functions: Record<string, AppFunction[]>;
  schema: SchemaJson | null;
  crons: Record<string, { name: string; args: Json[]; schedule: CronSchedule }>;
  httpRoutes: { path: string; method: string }[] | null;
  auth: { providers: Json[]; environmentRead: string[] } | null;
}

export type AnalysisMessage = { ok: true; analysis: Analysis } | { ok: false; code: string; message: string };

/** Of one environment's modules: the other's would find the wrong globals. */
export interface AnalysisThreadInput extends AnalysisInput {
  moduleEnvironment: AppModule["environment"];
}

export async function analyze(input: AnalysisInput): Promise<Analysis> {
  const nodeModules = input.modules.filter(({ environment }) => environment === "node");
  const isolateModules = input.modules.filter(({ environment }) => environment === "isolate");
  const { definition: _isolateOnly, ...shared } = input;
  const nodeInput = { ...shared, modules: nodeModules, moduleEnvironment: "node" as const };
  const [isolate, node] = await Promise.all([
    evaluate({ ...input, modules: isolateModules, moduleEnvironment: "isolate" }),
    nodeModules.length > 0 ? evaluate(nodeInput) : null,
  ]);
  return { ...isolate, functions: { ...isolate.functions, ...node?.functions } };
}

async function evaluate(workerData: AnalysisThreadInput): Promise<Analysis> {
  const worker = startThread(new URL("./analysis-worker.ts", import.meta.url), {
    workerData,
    heapMb,
    env: {},
  });
  try {
    const message = await new Promise<AnalysisMessage>((resolve, reject) => {
      const timer = setTimeout(
        () => resolve(failed(`Evaluating the pushed modules took longer than ${limitMs / 1000}s.`)),
        limitMs,
      );
      worker.once("message", (answer: AnalysisMessage) => resolve(answer));
      worker.once("error", reject);
      worker.once("exit", (code) => {
        clearTimeout(timer);
        resolve(failed(`Evaluating the pushed modules ended their thread (exit code ${code}).`));
      });
    });
    if (message.ok) return message.analysis;
    throw new RequestError(400, message.code, message.message);
  } finally {
    await worker.terminate();
  }
}

function failed(message: string): AnalysisMessage {
  return { ok: false, code: "InvalidModules", message };
}
