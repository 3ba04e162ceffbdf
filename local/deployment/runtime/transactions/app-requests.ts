/**
 * The pushed app and the deployment's variables, as system rows:
 *
 *   app/current       id of the version in use
 *   app/next          id of a version being switched to; found at startup, the switch is completed
 *   app/version/<id>  the version itself
 *   environment/<name>
 */
import { RequestError } from "../../engine.ts";
import type { App } from "../app.ts";
import { emptyApp } from "../app.ts";
import { planCrons } from "../../scheduler/cron-rows.ts";
import type { Json } from "../../values/json.ts";
import type { Handlers } from "./handlers.ts";
import { loadApp } from "./loaded-app.ts";
import { announceCommit, commitSystem } from "./thread.ts";
import type { Thread } from "./thread.ts";
import type { Database } from "../../database/database.ts";

const current = "app/current";
const next = "app/next";
const versionKey = (id: string) => `app/version/${id}`;
const environmentPrefix = "environment/";

/** What a query that lists all variables depends on. */
export const anyVariable = "*";

export function readApp(database: Database): App {
  const id = database.systemGet(current);
  return typeof id === "string" ? readVersion(database, id) : emptyApp;
}

function readVersion(database: Database, id: string): App {
  return database.systemGet(versionKey(id)) as unknown as App;
}

export function readEnvironment(database: Database): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [key, value] of database.systemRange(environmentPrefix)) {
    variables[key.slice(environmentPrefix.length)] = value as string;
  }
  return variables;
}

/** Completes a switch that the end of the process interrupted. */
export function completeSwitch(thread: Thread): void {
  const id = thread.database.systemGet(next);
  if (typeof id === "string") switchTo(thread, readVersion(thread.database, id));
}

function switchTo(thread: Thread, app: App): void {
  const { database } = thread;
  const committed = database.applySchema(app.schema);
  const before = database.systemGet(current);
  const crons = planCrons(database, app.crons, Date.now());
  thread.loaded = loadApp(app);
  announceCommit(thread, committed, []);
  const stale = typeof before === "string" && before !== app.id ? [versionKey(before)] : [];
  commitSystem(
    thread,
    { put: [[current, app.id], ...crons.put], delete: [next, ...stale, ...crons.delete] },
    crons.timers,
  );
}

export const appRequests: Pick<
  Handlers,
  "environment" | "changeEnvironment" | "checkSchema" | "activate" | "replaceAuth"
> = {
  environment: ({ environment }) => ({ ...environment }),

  changeEnvironment(thread, changes) {
    const names = changes.map(({ name }) => name);
    const environment = { ...thread.environment } as Record<string, string>;
    const put: [string, Json][] = [];
    const removed: string[] = [];
    for (const { name, value } of changes) {
      if (value === null) {
        Reflect.deleteProperty(environment, name);
        removed.push(environmentPrefix + name);
      } else {
        environment[name] = value;
        put.push([environmentPrefix + name, value]);
      }
    }
    thread.environment = environment;
    if (names.some((name) => thread.loaded.environmentReadAtImport.has(name))) {
      thread.loaded = loadApp(thread.loaded.app);
    }
    commitSystem(thread, { put, delete: removed, touchesEnvironment: [...names, anyVariable] });
    return null;
  },

  checkSchema: ({ database }, { schema }) => database.checkSchema(schema),

  activate(thread, app) {
    // Documents may have come since the push checked them.
    const check = thread.database.checkSchema(app.schema);
    if (!check.ok) throw new RequestError(400, "SchemaValidationFailed", check.error);
    commitSystem(thread, {
      put: [
        [versionKey(app.id), app as unknown as Json],
        [next, app.id],
      ],
    });
    switchTo(thread, app);
    return null;
  },

  replaceAuth(thread, auth) {
    const app = { ...thread.loaded.app, auth };
    thread.loaded = { ...thread.loaded, app };
    commitSystem(thread, { put: [[versionKey(app.id), app as unknown as Json]] });
    return null;
  },
};
