/** The queries of the official CLI and dashboard that this deployment answers itself. For admins only. */
import type { Transaction } from "../../database/database.ts";
import type { Json } from "../../values/json.ts";
import { FunctionFailure } from "../failure.ts";
import { displayPath } from "../function-path.ts";
import { anyVariable } from "./app-requests.ts";
import { textArgument } from "../syscall-arguments.ts";
import type { SyscallArguments } from "../syscall-arguments.ts";
import type { Thread } from "./thread.ts";

type SystemQuery = (thread: Thread, transaction: Transaction, args: SyscallArguments) => Json;

const systemQueries: Record<string, SystemQuery> = {
  "_system/cli/queryEnvironmentVariables:default": ({ environment }, transaction) => {
    transaction.readEnvironment(anyVariable);
    return Object.keys(environment)
      .sort()
      .map((name) => ({ name, value: environment[name]! }));
  },
  "_system/cli/queryEnvironmentVariables:get": ({ environment }, transaction, args) => {
    const name = textArgument(args, "name");
    transaction.readEnvironment(name);
    const value = environment[name];
    return value === undefined ? null : { name, value };
  },
  "_system/cli/tables:default": ({ database }) => ({
    page: database
      .tables()
      .filter((name) => !name.startsWith("_"))
      .sort()
      .map((name) => ({ name })),
    isDone: true,
    continueCursor: "",
  }),
  "_system/cli/tableData:default": (_thread, transaction, args) => {
    const { cursor, numItems } = args.paginationOpts as { cursor: string | null; numItems: number };
    const { page, isDone, continueCursor } = transaction.page({
      query: {
        source: {
          type: "FullTableScan",
          tableName: textArgument(args, "table"),
          order: args.order === "desc" ? "desc" : "asc",
        },
        operators: [],
      },
      cursor,
      endCursor: null,
      pageSize: numItems,
    });
    return { page: page.map(({ text }) => JSON.parse(text) as Json), isDone, continueCursor };
  },
  "_system/cli/modules:apiSpec": ({ loaded }) => apiSpec(loaded.app),
  "_system/cli/convexUrl:cloudUrl": ({ urls }) => urls.cloudUrl,
  "_system/cli/convexUrl:siteUrl": ({ urls }) => urls.siteUrl,
};

export function runSystemQuery(
  thread: Thread,
  transaction: Transaction,
  { path, args }: { path: string; args: string },
): string {
  const query = systemQueries[path.includes(":") ? path : `${path}:default`];
  if (!query)
    throw new FunctionFailure(
      `Could not find function for '${path}': the local deployment has no such system function.`,
    );
  const [only] = JSON.parse(args) as [SyscallArguments];
  return JSON.stringify(query(thread, transaction, only));
}

function apiSpec({ functions, httpRoutes }: Thread["loaded"]["app"]): Json {
  const registered = Object.entries(functions).flatMap(([module, list]) =>
    list.map(({ name, type, visibility, args, returns }) => ({
      identifier: displayPath({ module, name }).replace(/:/, ".js:"),
      functionType: type,
      visibility: { kind: visibility },
      args,
      returns,
    })),
  );
  const routes = (httpRoutes ?? []).map(({ path, method }) => ({ functionType: "HttpAction", method, path }));
  return [...registered, ...routes];
}
