/** Entry of the thread that evaluates a push. It answers once and is then ended. */
import { parentPort, workerData } from "node:worker_threads";
import { emptyApp } from "../runtime/app.ts";
import type { AppModule } from "../runtime/app.ts";
import { installNodeGlobals, replaceNodeEnvironment } from "../runtime/actions/globals.ts";
import { failureOf } from "../runtime/failure.ts";
import { ModuleGraph } from "../runtime/module-graph.ts";
import type { Namespace } from "../runtime/module-graph.ts";
import { SourceFrames } from "../runtime/source-frames.ts";
import { installGlobals } from "../runtime/transactions/globals.ts";
import { loadApp } from "../runtime/transactions/loaded-app.ts";
import { installSyscalls } from "../runtime/transactions/syscalls.ts";
import type { Analysis, AnalysisMessage, AnalysisThreadInput } from "./analysis.ts";
import { definitionOf, variablesProblem } from "./declared-variables.ts";
import type { AppDefinition } from "./declared-variables.ts";
import { authConfigPath, cronsOf, functionsOf, providersOf, routesOf, schemaOf } from "./exports.ts";

const { modules, definition, moduleEnvironment, environment, pushedAtMs } = workerData as AnalysisThreadInput;

class AnalysisError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

async function evaluateModules(): Promise<Analysis> {
  const analysis: Analysis = {
    definition: null,
    functions: {},
    schema: null,
    crons: {},
    httpRoutes: null,
    auth: null,
  };
  const entries = modules.filter(({ path }) => !path.startsWith("_deps/"));
  const evaluate = moduleEnvironment === "node" ? evaluateNodeModules : evaluateIsolateModules;
  await evaluate(entries, analysis);
  return analysis;
}

async function evaluateIsolateModules(entries: AppModule[], analysis: Analysis): Promise<void> {
  installGlobals(() => environment);
  installSyscalls(() => null);
  if (definition) analysis.definition = await evaluateDefinition(definition);
  const { graph, frames, environmentReadAtImport } = loadApp({ ...emptyApp, modules, pushedAtMs });
  for (const { path } of entries) {
    const readBefore = new Set(environmentReadAtImport);
    const readByThis = () => [...environmentReadAtImport].filter((name) => !readBefore.has(name));
    await named(path, frames, async () => {
      const namespace = await graph.load(path).catch((error: unknown) => {
        // What it failed at is most likely the variable that is not there.
        if (path === authConfigPath) requireVariables(readByThis());
        throw error;
      });
      switch (path) {
        case "schema.js":
          analysis.schema = schemaOf(namespace);
          return;
        case authConfigPath: {
          const environmentRead = readByThis();
          requireVariables(environmentRead);
          analysis.auth = { providers: providersOf(namespace), environmentRead };
          return;
        }
        case "crons.js":
          analysis.crons = cronsOf(namespace);
          break;
        case "http.js":
          analysis.httpRoutes = routesOf(namespace);
          break;
      }
      analysis.functions[path] = functionsOf(namespace);
    });
  }
}

/** Before anything else, whose failure for want of a variable would not say so. */
async function evaluateDefinition(module: AppModule): Promise<AppDefinition> {
  const { graph, frames } = loadApp({ ...emptyApp, modules: [module], pushedAtMs });
  const evaluated = await named(module.path, frames, async () => definitionOf(await graph.load(module.path)));
  const problem = variablesProblem(evaluated.declaredVariables, environment);
  if (problem) throw new AnalysisError(problem.code, problem.message);
  return evaluated;
}

async function evaluateNodeModules(entries: AppModule[], analysis: Analysis): Promise<void> {
  installNodeGlobals();
  replaceNodeEnvironment(environment);
  const frames = new SourceFrames(modules);
  const graph = new ModuleGraph({
    modules,
    allowDynamicImport: true,
    duringImport: (evaluate) => evaluate(),
    importExternal: (specifier) => import(specifier) as Promise<Namespace>,
  });
  for (const { path } of entries) {
    await named(path, frames, async () => {
      const functions = functionsOf(await graph.load(path));
      const misplaced = functions.find(({ type }) => type !== "Action");
      if (misplaced) {
        throw new AnalysisError(
          "InvalidModules",
          `\`${misplaced.name}\` defined in \`${path}\` is a ${misplaced.type} function. Only actions can be defined in Node.js. ` +
            `Move it to a file without "use node".`,
        );
      }
      analysis.functions[path] = functions;
    });
  }
}

function requireVariables(names: string[]): void {
  const missing = names.find((name) => !Object.hasOwn(environment, name));
  if (missing === undefined) return;
  throw new AnalysisError(
    "AuthConfigMissingEnvironmentVariable",
    `Environment variable ${missing} is used in auth config file but its value was not set. ` +
      `Set it with \`npx convex env set ${missing} …\` and push again.`,
  );
}

/** Says which module a failure comes from. */
async function named<T>(path: string, frames: SourceFrames, evaluate: () => Promise<T>): Promise<T> {
  try {
    return await evaluate();
  } catch (error) {
    if (error instanceof AnalysisError) throw error;
    const { message } = failureOf(error, (stack) => frames.of(stack));
    throw new AnalysisError("InvalidModules", `Failed to analyze ${path}: ${message}`);
  }
}

// Top-level code may leave promises behind that nobody awaits; only what loading the module throws counts.
process.on("unhandledRejection", () => undefined);

const answer: AnalysisMessage = await evaluateModules().then(
  (analysis) => ({ ok: true, analysis }),
  (error: unknown) => ({
    ok: false,
    code: error instanceof AnalysisError ? error.code : "InvalidModules",
    message: error instanceof Error ? error.message : String(error),
  }),
);
parentPort!.postMessage(answer);
