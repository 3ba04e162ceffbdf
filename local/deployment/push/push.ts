/**
 * The CLI's push in its steps: evaluate and stage, check stored documents against the new schema, switch. Nothing of a
 * push takes effect before `finish`, and then all of it does at once.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { RequestError } from "../engine.ts";
import type { Engine } from "../engine.ts";
import type { App } from "../runtime/app.ts";
import type { Environment } from "../runtime/environment.ts";
import type { TransactionClient } from "../runtime/transaction-client.ts";
import type { Json } from "../values/json.ts";
import { showProviders } from "./auth-config.ts";
import { moduleHash } from "./modules.ts";
import { finishPushSchema, parseBody, startPushSchema, waitForSchemaSchema } from "./push-body.ts";
import { stagePush } from "./stage.ts";
import { startResponse } from "./start-response.ts";

/** Pushes that were started and not finished; older ones are forgotten. */
const maxStaged = 8;

export interface Deployed {
  app(): App;
  /** Without the built-in variables. */
  variables(): Environment;
  environment(): Environment;
  activated(app: App): void;
}

interface Staged {
  app: App;
  /** With which its modules were evaluated. */
  variables: Environment;
}

export function createPush(transactions: TransactionClient, deployed: Deployed): Engine["push"] {
  const staged = new Map<string, Staged>();

  const find = (id: string): Staged => {
    const found = staged.get(id);
    if (found) return found;
    throw new RequestError(
      400,
      "PushNotFound",
      "The deployment knows no such push, it may have been restarted. Push again.",
    );
  };

  return {
    async configHashes() {
      const { modules, clientVersion } = deployed.app();
      return {
        config: { functions: "convex/", authInfo: showProviders(deployed.app().auth) },
        moduleHashes: modules.map((module) => ({
          path: module.path,
          hash: moduleHash(module),
          environment: module.environment,
        })),
        udfServerVersion: clientVersion === "" ? null : clientVersion,
      };
    },

    async start(body) {
      const request = parseBody(startPushSchema, body);
      const variables = deployed.variables();
      const { app, declaredVariables } = await stagePush(
        request,
        deployed.app(),
        deployed.environment(),
        randomUUID(),
      );
      const check = await transactions.call("checkSchema", { schema: app.schema });
      staged.set(app.id, { app, variables });
      if (staged.size > maxStaged) staged.delete(staged.keys().next().value!);
      return startResponse({
        app,
        declaredVariables,
        indexes: check.ok ? check : { added: [], removed: [] },
        variables,
      });
    },

    async waitForSchema(body) {
      const { schemaChange } = parseBody(waitForSchemaSchema, body);
      const { schema } = find(schemaChange.schemaIds.staged).app;
      const check = await transactions.call("checkSchema", { schema });
      if (check.ok) return { type: "complete" };
      return { type: "failed", error: check.error, componentPath: "", tableName: check.table };
    },

    async finish(body) {
      const { startPush, dryRun } = parseBody(finishPushSchema, body);
      const { app, variables } = find(startPush.schemaChange.schemaIds.staged);
      if (!isDeepStrictEqual(variables, deployed.variables())) {
        throw new RequestError(
          400,
          "RaceDetected",
          "Environment variables changed during the push, which may have read them. Push again.",
        );
      }
      const authDiff = diffProviders(deployed.app(), app);
      if (!dryRun) {
        await transactions.call("activate", app);
        deployed.activated(app);
        staged.delete(app.id);
      }
      return { authDiff, definitionDiffs: {}, componentDiffs: {} };
    },
  };
}

function diffProviders(before: App, after: App): Json {
  const old = showProviders(before.auth).map((provider) => JSON.stringify(provider));
  const now = showProviders(after.auth).map((provider) => JSON.stringify(provider));
  return {
    added: now.filter((provider) => !old.includes(provider)),
    removed: old.filter((provider) => !now.includes(provider)),
  };
}
