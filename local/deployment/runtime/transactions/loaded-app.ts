/** An app version with its modules instantiated in this thread. */
import type { App } from "../app.ts";
import { ModuleGraph } from "../module-graph.ts";
import { SourceFrames } from "../source-frames.ts";
import { activate, activeFacilities } from "./facilities.ts";
import type { Facilities } from "./facilities.ts";
import { SeededRandom } from "./random.ts";

export interface LoadedApp {
  app: App;
  graph: ModuleGraph;
  frames: SourceFrames;
  /** Variables that top-level code read: every function of this instance depends on them. */
  environmentReadAtImport: ReadonlySet<string>;
}

export function loadApp(app: App): LoadedApp {
  const environmentReadAtImport = new Set<string>();
  const facilities = importFacilities(app, environmentReadAtImport);
  const modules = app.modules.filter((module) => module.environment === "isolate");
  const graph = new ModuleGraph({
    modules,
    allowDynamicImport: false,
    duringImport: (evaluate) => {
      const interrupted = activeFacilities();
      activate(facilities);
      const evaluation = evaluate();
      if (interrupted === null) return evaluation.finally(() => activate(null));
      // A nested call loads the module, and other code of its run may go on before top-level awaits are over.
      activate(interrupted);
      return evaluation;
    },
  });
  return { app, graph, frames: new SourceFrames(modules), environmentReadAtImport };
}

/** Every evaluation of one version sees the same time and the same random numbers. */
function importFacilities(app: App, environmentRead: Set<string>): Facilities {
  return {
    phase: "import",
    nowMs: app.pushedAtMs,
    random: new SeededRandom(Uint32Array.of(app.pushedAtMs >>> 0, 1, 2, 3)),
    lines: null,
    readEnvironment: (name) => environmentRead.add(name),
    follow: () => undefined,
  };
}
