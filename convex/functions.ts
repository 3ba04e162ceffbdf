/**
 * The function builders: the only place where Convex's own `query`, `mutation` and `action` are used. A builder knows
 * who may call (people from a role up, agents or both), resolves the caller and parses the arguments with zod before
 * the handler runs. Handlers get `ctx.caller` and hand it to the model, which decides which rows are the caller's.
 */
import { customCtx } from "convex-helpers/server/customFunctions";
import { zCustomAction, zCustomMutation, zCustomQuery } from "convex-helpers/server/zod4";
import { ConvexError } from "convex/values";
import {
  action,
  httpAction,
  internalAction,
  internalMutation,
  internalQuery,
  mutation,
  query,
} from "./_generated/server";
import type { Refusal } from "../contract/error-code.ts";
import { resolveCaller } from "./model/access.ts";
import type { Audience } from "./model/access.ts";
import { argumentRefusal, refuse } from "./model/refusal.ts";

/** For the system's own steps, which are handed a tenant instead of finding one. */
export { httpAction, internalAction, internalMutation, internalQuery };

/** Anyone signed in, member or not. */
export const viewerQuery = queryFor({ people: "viewer", agents: true });
export const adminQuery = queryFor({ people: "admin", agents: false });
export const adminOrAgentQuery = queryFor({ people: "admin", agents: true });
export const agentQuery = queryFor({ people: null, agents: true });

/** Agents, and people who may do by hand what an agent does. */
export const editorMutation = mutationFor({ people: "editor", agents: true });
export const agentMutation = mutationFor({ people: null, agents: true });
export const adminOrAgentMutation = mutationFor({ people: "admin", agents: true });
export const adminMutation = mutationFor({ people: "admin", agents: false });

/** An action has no database: it may only ask who calls. The internal query it runs next carries the same identity and finds the caller. */
export const viewerAction = zCustomAction(
  codedFaults(action),
  customCtx(async (ctx) => {
    if ((await ctx.auth.getUserIdentity()) === null) {
      refuse("UNAUTHENTICATED", "This call carries no valid token.");
    }
    return {};
  }),
);
export const internalViewerQuery = zCustomQuery(
  codedFaults(internalQuery),
  customCtx(async (ctx) => ({ caller: await resolveCaller(ctx, { people: "viewer", agents: true }) })),
);

function queryFor(audience: Audience) {
  return zCustomQuery(
    codedFaults(query),
    customCtx(async (ctx) => ({ caller: await resolveCaller(ctx, audience) })),
  );
}

function mutationFor(audience: Audience) {
  return zCustomMutation(
    codedFaults(mutation),
    customCtx(async (ctx) => ({ caller: await resolveCaller(ctx, audience) })),
  );
}

interface Definition {
  handler: (ctx: unknown, args: unknown) => Promise<unknown>;
}

/** convex-helpers throws a zod fault as `{ZodError}`, which no client of ours knows: say it as every other refusal. */
function codedFaults<Builder>(builder: Builder): Builder {
  const register = builder as (definition: Definition) => unknown;
  return ((definition: Definition) =>
    register({
      ...definition,
      handler: async (ctx, args) => {
        try {
          return await definition.handler(ctx, args);
        } catch (fault) {
          throw zodFault(fault) ?? fault;
        }
      },
    })) as Builder;
}

function zodFault(fault: unknown): ConvexError<Refusal> | null {
  if (!(fault instanceof ConvexError)) return null;
  const data = fault.data as { ZodError?: { path: (string | number)[]; message: string }[] };
  if (data.ZodError === undefined) return null;
  return new ConvexError(argumentRefusal(data.ZodError));
}
