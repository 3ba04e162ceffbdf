/** Reads what evaluated modules export: registered functions, and the objects of the special modules. */
import type { SchemaJson } from "../database/database.ts";
import type { AppFunction, FunctionType } from "../runtime/app.ts";
import type { Namespace } from "../runtime/module-graph.ts";
import type { Json } from "../values/json.ts";
import type { Analysis } from "./analysis.ts";

export const authConfigPath = "auth.config.js";

interface Registered {
  isQuery?: unknown;
  isMutation?: unknown;
  isAction?: unknown;
  isPublic?: unknown;
  isInternal?: unknown;
  exportArgs?: () => string;
  exportReturns?: () => string;
}

export function functionsOf(namespace: Namespace): AppFunction[] {
  return Object.entries(namespace).flatMap(([name, value]) => {
    if ((typeof value !== "function" && typeof value !== "object") || value === null) return [];
    const registered = value as Registered;
    const type = typeOf(registered);
    if (type === null) return [];
    return {
      name,
      type,
      visibility: registered.isInternal ? "internal" : "public",
      args: registered.exportArgs ? (JSON.parse(registered.exportArgs()) as Json) : null,
      returns: registered.exportReturns ? (JSON.parse(registered.exportReturns()) as Json) : null,
    };
  });
}

function typeOf({ isQuery, isMutation, isAction, isPublic, isInternal }: Registered): FunctionType | null {
  if (!isPublic && !isInternal) return null;
  if (isQuery) return "Query";
  if (isMutation) return "Mutation";
  return isAction ? "Action" : null;
}

export function schemaOf({ default: schema }: Namespace): SchemaJson {
  const { export: exportSchema } = (schema ?? {}) as { export?: unknown };
  if (typeof exportSchema !== "function") {
    throw new TypeError("schema.ts must have `export default defineSchema({ … })`.");
  }
  return JSON.parse((schema as { export(): string }).export()) as SchemaJson;
}

export function cronsOf({ default: crons }: Namespace): Analysis["crons"] {
  if (!(crons as { isCrons?: unknown } | undefined)?.isCrons) {
    throw new TypeError("crons.ts must have `export default` of the object that cronJobs() returned.");
  }
  return JSON.parse((crons as { export(): string }).export()) as Analysis["crons"];
}

export function routesOf({ default: router }: Namespace): Analysis["httpRoutes"] {
  if (!(router as { isRouter?: unknown } | undefined)?.isRouter) {
    throw new TypeError("http.ts must have `export default` of the object that httpRouter() returned.");
  }
  const routes = (router as { getRoutes(): [path: string, method: string, handler: unknown][] }).getRoutes();
  return routes.map(([path, method]) => ({ path, method }));
}

export function providersOf({ default: config }: Namespace): Json[] {
  const { providers } = (config ?? {}) as { providers?: unknown };
  if (!Array.isArray(providers))
    throw new TypeError("auth.config.ts must have `export default { providers: [ … ] }`.");
  // Through JSON, so that nothing but data leaves the thread.
  return JSON.parse(JSON.stringify(providers)) as Json[];
}
