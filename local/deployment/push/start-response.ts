/** The answer to start_push: as much as the CLI's own schema demands, and what it prints or generates code from. */
import type { IndexChange } from "../database/database.ts";
import type { App, AppFunction } from "../runtime/app.ts";
import type { Environment } from "../runtime/environment.ts";
import type { Json } from "../values/json.ts";
import { showProviders } from "./auth-config.ts";
import type { DeclaredVariable } from "./declared-variables.ts";

export interface StagedPush {
  app: App;
  declaredVariables: DeclaredVariable[];
  indexes: { added: IndexChange[]; removed: IndexChange[] };
  /** Without the built-in ones. */
  variables: Environment;
}

export function startResponse({ app, declaredVariables, indexes, variables }: StagedPush): Json {
  const httpModuleRoutes = app.httpRoutes?.map(({ path, method }) => ({ path, method })) ?? null;
  return {
    environmentVariables: variables,
    externalDepsId: null,
    componentDefinitionPackages: {},
    appAuth: showProviders(app.auth),
    analysis: {
      "": {
        definition: {
          path: "",
          definitionType: { type: "app" },
          childComponents: [],
          httpMounts: {},
          exports: { type: "branch", branch: [] },
          envVars: declaredVariables,
        },
        schema: app.schema as unknown as Json,
        functions: Object.fromEntries(
          Object.entries(app.functions).map(([path, functions]) => [
            path,
            { functions: functions.map(showFunction), httpRoutes: null, cronSpecs: null, sourceMapped: null },
          ]),
        ),
        udfConfig: {
          serverVersion: app.clientVersion,
          importPhaseRngSeed: app.id,
          importPhaseUnixTimestamp: app.pushedAtMs,
        },
      },
    },
    app: {
      definitionPath: "",
      componentPath: "",
      args: {},
      childComponents: {},
      httpRoutes: { httpModuleRoutes, mounts: [] },
      exports: {},
    },
    schemaChange: {
      allocatedComponentIds: {},
      // The CLI hands this back in the steps that follow.
      schemaIds: { staged: app.id },
      indexDiffs: {
        "": {
          added_indexes: indexes.added.map(showIndex),
          removed_indexes: indexes.removed.map(showIndex),
        },
      },
    },
  };
}

function showFunction({ name, type, visibility, args, returns }: AppFunction): Json {
  return {
    name,
    pos: null,
    udfType: type,
    visibility: { kind: visibility },
    args: JSON.stringify(args),
    returns: JSON.stringify(returns),
  };
}

function showIndex({ table, name, fields }: IndexChange): Json {
  return { name: `${table}.${name}`, type: "database", fields };
}
