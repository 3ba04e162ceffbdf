/** The Engine that the HTTP and WebSocket doors use, on top of the runtime's parts. */
import type { Caller, Engine, FunctionCall, Outcome, UserIdentity } from "../engine.ts";
import { createPush } from "../push/push.ts";
import type { Json } from "../values/json.ts";
import { changeEnvironment } from "./change-environment.ts";
import { findFunction } from "./function-lookup.ts";
import type { Access } from "./function-lookup.ts";
import { handleHttpAction } from "./http-action.ts";
import type { Runtime } from "./open-runtime.ts";
import { outcomeOf } from "./outcome.ts";
import type { FunctionInput } from "./transaction-messages.ts";

export function createEngine(runtime: Runtime): Engine {
  const { state, calls, actions, transactions, logs } = runtime;

  const mutation = async (input: FunctionInput & { dedupe?: { sessionId: string; requestId: number } }) => {
    const { outcome, ts } = await calls.mutation(input);
    return { outcome: outcomeOf(outcome, input.requestId), ts };
  };
  const action = async (input: FunctionInput) => outcomeOf(await actions.action(input), input.requestId);
  const query = async (input: FunctionInput): Promise<Outcome> => {
    const { results } = await calls.queries([{ ...input, journal: null }]);
    return outcomeOf(results[0]!.outcome, input.requestId);
  };

  return {
    async queries(requests) {
      const inputs = requests.map(({ journal, watch, ...call }) => {
        if (watch !== undefined) state.watches.add(watch);
        return { ...inputOf(call), journal, ...(watch !== undefined && { watch }) };
      });
      const { ts, results } = await calls.queries(inputs);
      return {
        ts,
        results: results.map(({ outcome, journal }, index) => ({
          outcome: outcomeOf(outcome, requests[index]!.requestId),
          journal,
        })),
      };
    },

    mutation: ({ dedupe, ...call }) => mutation({ ...inputOf(call), ...(dedupe && { dedupe }) }),

    action: (call) => action(inputOf(call)),

    async anyFunction(call) {
      const input = inputOf(call);
      if (input.path.startsWith("_system/")) return query(input);
      switch (findFunction(state.app, input.path)?.function.type) {
        case "Query":
          return query(input);
        case "Mutation":
          return (await mutation(input)).outcome;
        case "Action":
          return action(input);
        case undefined:
          // Running it as anything says in the right words that it does not exist.
          return query(input);
      }
    },

    httpAction: (request, caller) => handleHttpAction(runtime, request, identityOf(caller)),

    latestTs: () => state.ts,

    onCommit(listener) {
      state.listeners.add(listener);
      return () => state.listeners.delete(listener);
    },

    unwatch(watches) {
      const known = state.unwatch(watches);
      // Fails only when the deployment closes, and all watches end with it.
      if (known.length > 0) transactions.call("unwatch", known).catch(() => undefined);
    },

    authProviders: () => state.app.auth,

    async environment() {
      return Object.entries(state.variables).map(([name, value]) => ({ name, value }));
    },

    changeEnvironment: (changes) => changeEnvironment(runtime, changes),

    push: createPush(transactions, {
      app: () => state.app,
      variables: () => state.variables,
      environment: () => state.environment(),
      activated(app) {
        state.app = app;
        actions.configure(app, state.environment());
        state.retryEnded();
      },
    }),

    logs: (cursor, waitMs) => logs.after(cursor, waitMs),

    close: () => runtime.close(),
  };
}

function inputOf({ path, args, caller, requestId }: FunctionCall): FunctionInput {
  return {
    path,
    args: argumentText(args),
    identity: identityOf(caller),
    requestId,
    access: accessOf(caller),
  };
}

function argumentText(args: Json): string {
  return JSON.stringify(Array.isArray(args) ? args : [args]);
}

function identityOf(caller: Caller): UserIdentity | null {
  if (caller.kind === "user") return caller.identity;
  return caller.kind === "admin" ? (caller.actingAs ?? null) : null;
}

function accessOf(caller: Caller): Access {
  return caller.kind === "admin" ? "any" : "public";
}
