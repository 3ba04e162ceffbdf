/** `ctx.db` of queries and mutations. */
import type { QueryJson, StoredDocument } from "../../database/database.ts";
import { jsonToPatch, jsonToValue, valueToJson } from "../../values/convex-json.ts";
import type { Json } from "../../values/json.ts";
import type { Value } from "../../values/value.ts";
import { FunctionFailure } from "../failure.ts";
import { numberArgument, textArgument } from "../syscall-arguments.ts";
import type { SyscallArguments } from "../syscall-arguments.ts";
import { EncodedJson } from "./encoded-json.ts";
import type { Execution } from "./execution.ts";
import { requireMutation } from "./syscall.ts";
import type { AsyncSyscall, SyncSyscall } from "./syscall.ts";

export const syncSyscalls: Record<string, SyncSyscall> = {
  "1.0/queryStream": (execution, args) => ({
    queryId: execution.openStream(execution.run.transaction.stream(args.query as unknown as QueryJson)),
  }),
  "1.0/queryCleanup": (execution, args) => execution.closeStream(numberArgument(args, "queryId")),
  "1.0/db/normalizeId": ({ run }, args) => ({
    id: run.transaction.normalizeId(textArgument(args, "table"), textArgument(args, "idString")),
  }),
  "1.0/getSnapshotTs": ({ run }) => {
    run.isRepeatable = false;
    return valueToJson(run.transaction.ts);
  },
};

export const databaseSyscalls: Record<string, AsyncSyscall> = {
  "1.0/get": ({ run }, args) => {
    const document = run.transaction.get(textArgument(args, "id"), {
      isSystem: args.isSystem === true,
      ...optionalTable(args),
    });
    return document && new EncodedJson(document.text);
  },
  "1.0/queryStreamNext": (execution, args) => {
    const stream = execution.stream(numberArgument(args, "queryId"));
    const next = stream?.next();
    return next && next.done !== true
      ? new EncodedJson(`{"value":${next.value.text},"done":false}`)
      : { value: null, done: true };
  },
  "1.0/queryPage": ({ run }, args) => {
    const { page, isDone, continueCursor } = run.transaction.page({
      query: args.query as unknown as QueryJson,
      cursor: (args.cursor ?? null) as string | null,
      endCursor: (args.endCursor ?? null) as string | null,
      pageSize: numberArgument(args, "pageSize"),
    });
    const rest = JSON.stringify({ isDone, continueCursor, splitCursor: null, pageStatus: null });
    return new EncodedJson(`{"page":[${page.map(({ text }) => text).join(",")}],${rest.slice(1)}`);
  },
  "1.0/count": ({ run }, args) => run.transaction.count(textArgument(args, "table")),
  "1.0/insert": (execution, args) => {
    requireMutation(execution, "`db.insert`");
    return { _id: execution.run.transaction.insert(userTable(args), objectValue(args.value)) };
  },
  "1.0/shallowMerge": write("patch", ({ run }, args) =>
    run.transaction.patch(textArgument(args, "id"), jsonToPatch(args.value ?? null), table(args)),
  ),
  "1.0/replace": write("replace", ({ run }, args) =>
    run.transaction.replace(textArgument(args, "id"), objectValue(args.value), table(args)),
  ),
  "1.0/remove": write("delete", ({ run }, args) =>
    run.transaction.remove(textArgument(args, "id"), table(args)),
  ),
};

function write(
  name: string,
  perform: (execution: Execution, args: SyscallArguments) => StoredDocument,
): AsyncSyscall {
  return (execution, args) => {
    requireMutation(execution, `\`db.${name}\``);
    const owner = execution.run.transaction.tableOf(textArgument(args, "id"));
    if (owner?.startsWith("_")) throw new FunctionFailure(`Cannot write to the system table \`${owner}\`.`);
    return new EncodedJson(perform(execution, args).text);
  };
}

/** Documents of system tables are the engine's to write. */
function userTable(args: SyscallArguments): string {
  const name = textArgument(args, "table");
  if (name.startsWith("_")) throw new FunctionFailure(`Cannot write to the system table \`${name}\`.`);
  return name;
}

function table(args: SyscallArguments): string | undefined {
  return args.table === undefined ? undefined : userTable(args);
}

function optionalTable(args: SyscallArguments): { table?: string } {
  return args.table === undefined ? {} : { table: textArgument(args, "table") };
}

function objectValue(json: Json | undefined): Record<string, Value> {
  const value = jsonToValue(json ?? null);
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof ArrayBuffer) {
    throw new FunctionFailure("A document must be an object.");
  }
  return value;
}
