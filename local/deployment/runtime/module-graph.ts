/**
 * The pushed modules of one app version as linked ES modules of this thread. An instance is kept for as long as the
 * version is current, so module-level state outlives an execution (the hosted product starts each one afresh).
 */
import { isBuiltin } from "node:module";
import { posix } from "node:path";
import vm from "node:vm";
import type { AppModule } from "./app.ts";
import { FunctionFailure } from "./failure.ts";
import { moduleScheme } from "./source-frames.ts";

export type Namespace = Record<string, unknown>;

export interface ModuleGraphOptions {
  modules: readonly AppModule[];
  /** Loads what is no pushed module: node built-ins and installed packages. Refused when absent. */
  importExternal?: (specifier: string) => Promise<Namespace>;
  /** Absent where `import()` is refused. */
  allowDynamicImport: boolean;
  /** Wraps the evaluation of a module's top-level code. */
  duringImport: <T>(evaluate: () => Promise<T>) => Promise<T>;
}

export class ModuleGraph {
  readonly #options: ModuleGraphOptions;
  readonly #sources: Map<string, AppModule>;
  readonly #linked = new Map<string, Promise<vm.Module>>();
  readonly #loaded = new Map<string, Namespace>();
  /** Linking two overlapping graphs at once is an error in node:vm, so loads wait for one another. */
  #loading: Promise<unknown> = Promise.resolve();

  constructor(options: ModuleGraphOptions) {
    this.#options = options;
    this.#sources = new Map(options.modules.map((module) => [module.path, module]));
  }

  /** The namespace when the module has been evaluated before: calls of a warm function need not wait. */
  loaded(path: string): Namespace | undefined {
    return this.#loaded.get(path);
  }

  load(path: string): Promise<Namespace> {
    const load = this.#loading.then(() => this.#load(path));
    this.#loading = load.catch(() => undefined);
    return load;
  }

  async #load(path: string): Promise<Namespace> {
    const known = this.#loaded.get(path);
    if (known) return known;
    const module = await this.#instance(path);
    await this.#evaluate(module);
    const namespace = module.namespace as Namespace;
    this.#loaded.set(path, namespace);
    return namespace;
  }

  async #evaluate(module: vm.Module): Promise<void> {
    if (module.status === "unlinked")
      await module.link((specifier, from) => this.#resolve(specifier, from.identifier));
    if (module.status === "errored") throw module.error;
    if (module.status === "linked") await this.#options.duringImport(() => module.evaluate());
  }

  #instance(path: string): Promise<vm.Module> {
    let instance = this.#linked.get(path);
    if (!instance) {
      const source = this.#sources.get(path);
      if (!source) throw new FunctionFailure(`Could not find module '${path}' in the pushed app.`);
      instance = Promise.resolve(
        new vm.SourceTextModule(source.source, {
          identifier: `${moduleScheme}${path}`,
          initializeImportMeta: (meta) => {
            meta.url = `${moduleScheme}${path}`;
          },
          importModuleDynamically: (specifier: string) => this.#importDynamically(specifier, path),
        }),
      );
      this.#linked.set(path, instance);
    }
    return instance;
  }

  async #importDynamically(specifier: string, from: string): Promise<vm.Module> {
    if (!this.#options.allowDynamicImport) {
      throw new Error(`Can't dynamically import "${specifier}" in a query or mutation`);
    }
    const module = await this.#resolve(specifier, `${moduleScheme}${from}`);
    await this.#evaluate(module);
    return module;
  }

  async #resolve(specifier: string, from: string): Promise<vm.Module> {
    if (specifier.startsWith("./") || specifier.startsWith("../")) {
      return this.#instance(posix.join(posix.dirname(from.slice(moduleScheme.length)), specifier));
    }
    const { importExternal } = this.#options;
    if (!importExternal) {
      throw new FunctionFailure(
        isBuiltin(specifier)
          ? `'${specifier}' is a Node.js module: put "use node" at the top of the file that imports it.`
          : `The pushed app imports '${specifier}', which is not part of it.`,
      );
    }
    let external = this.#linked.get(specifier);
    if (!external) {
      external = importExternal(specifier).then((namespace) => syntheticModule(specifier, namespace));
      this.#linked.set(specifier, external);
    }
    return external;
  }
}

function syntheticModule(identifier: string, namespace: Namespace): vm.SyntheticModule {
  const names = Object.keys(namespace);
  return new vm.SyntheticModule(
    names,
    function (this: vm.SyntheticModule) {
      for (const name of names) this.setExport(name, namespace[name]);
    },
    { identifier },
  );
}
