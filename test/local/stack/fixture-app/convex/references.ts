/** Typed references to this app's functions, for itself and for the tests that call it. */
import {
  type DefaultFunctionArgs,
  type FunctionReference,
  makeFunctionReference,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";

export interface Message {
  _id: string;
  _creationTime: number;
  author: string;
  body: string;
}

const query = <Args extends DefaultFunctionArgs, Result>(name: string) =>
  makeFunctionReference<"query", Args, Result>(name);
const mutation = <Args extends DefaultFunctionArgs, Result>(name: string) =>
  makeFunctionReference<"mutation", Args, Result>(name);
const action = <Args extends DefaultFunctionArgs, Result>(name: string) =>
  makeFunctionReference<"action", Args, Result>(name);

type NoArgs = Record<string, never>;
interface SendArgs extends DefaultFunctionArgs {
  author: string;
  body: string;
}

export const api = {
  messages: {
    list: query<NoArgs, Message[]>("messages:list"),
    by: query<{ author: string }, Message[]>("messages:by"),
    page: query<{ paginationOpts: PaginationOptions }, PaginationResult<Message>>("messages:page"),
    send: mutation<SendArgs, string>("messages:send"),
    sendLater: mutation<SendArgs, null>("messages:sendLater"),
    sendTwice: action<SendArgs, number>("messages:sendTwice"),
  },
  viewer: {
    me: query<NoArgs, Record<string, unknown> | null>("viewer:me"),
    greeting: query<NoArgs, string>("viewer:greeting"),
    neverReturns: query<NoArgs, never>("viewer:neverReturns"),
    sendAsMe: mutation<{ body: string }, string>("viewer:sendAsMe"),
  },
  digest: { sha256: action<{ text: string }, string>("digest:sha256") },
  ticks: { count: query<NoArgs, number>("ticks:count") },
};

export const internal = {
  messages: {
    count: makeFunctionReference<"query", NoArgs, number>("messages:count") as unknown as FunctionReference<
      "query",
      "internal",
      NoArgs,
      number
    >,
    store: makeFunctionReference<"mutation", SendArgs, string>(
      "messages:store",
    ) as unknown as FunctionReference<"mutation", "internal", SendArgs, string>,
  },
  ticks: {
    tick: makeFunctionReference<"mutation", NoArgs, null>("ticks:tick") as unknown as FunctionReference<
      "mutation",
      "internal",
      NoArgs,
      null
    >,
  },
};
