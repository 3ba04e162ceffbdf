/** Finds a function in the pushed app, and says in the client's words why it may not be called. */
import type { App, AppFunction, FunctionType } from "./app.ts";
import { FunctionFailure } from "./failure.ts";
import { displayPath, parseFunctionPath } from "./function-path.ts";
import type { FunctionPath } from "./function-path.ts";

export interface FoundFunction extends FunctionPath {
  function: AppFunction;
}

/** `any` is for the server itself and for admins: internal functions included. */
export type Access = "public" | "any";

export function findFunction(app: App, path: string): FoundFunction | null {
  const parsed = parseFunctionPath(path);
  const found = parsed && app.functions[parsed.module]?.find((each) => each.name === parsed.name);
  return found ? { ...parsed, function: found } : null;
}

export function requireFunction(
  app: App,
  path: string,
  type: FunctionType | null,
  access: Access,
): FoundFunction {
  const found = findFunction(app, path);
  if (!found || (access === "public" && found.function.visibility === "internal")) {
    const parsed = parseFunctionPath(path);
    const shown = parsed ? displayPath(parsed) : path;
    throw new FunctionFailure(
      access === "public"
        ? `Could not find public function for '${shown}'. Did you forget to run \`npx convex dev\`?`
        : `Could not find function for '${shown}'. Did you forget to run \`npx convex dev\`?`,
    );
  }
  if (type !== null && found.function.type !== type) {
    throw new FunctionFailure(
      `Trying to execute ${found.module}:${found.name} as ${type}, but it is defined as ${found.function.type}.`,
    );
  }
  return found;
}
