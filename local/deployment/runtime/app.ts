/** The pushed application as the engine keeps it: plain data, the same in every thread and on disk. */
import type { SchemaJson } from "../database/database.ts";
import type { AuthProviders } from "../engine.ts";
import type { Json } from "../values/json.ts";

export interface AppModule {
  path: string;
  source: string;
  sourceMap?: string;
  environment: "isolate" | "node";
}

export type FunctionType = "Query" | "Mutation" | "Action";

export interface AppFunction {
  name: string;
  type: FunctionType;
  visibility: "public" | "internal";
  /** Validator JSON; null means that nothing is checked. */
  args: Json;
  returns: Json;
}

export type CronSchedule =
  | { type: "interval"; seconds: number }
  | { type: "interval"; minutes: number }
  | { type: "interval"; hours: number }
  | { type: "hourly"; minuteUTC?: number }
  | { type: "daily"; hourUTC: number; minuteUTC?: number }
  | { type: "weekly"; dayOfWeek: string; hourUTC: number; minuteUTC?: number }
  | { type: "monthly"; day: number; hourUTC: number; minuteUTC?: number }
  | { type: "cron"; cron: string };

export interface CronSpec {
  /** Canonical path of the function. */
  path: string;
  /** JSON text of the one-element argument array. */
  args: string;
  schedule: CronSchedule;
}

export interface App {
  id: string;
  pushedAtMs: number;
  /** Version of the `convex` package that bundled the modules. */
  clientVersion: string;
  modules: AppModule[];
  /** By module path, `dir/file.js`. */
  functions: Record<string, AppFunction[]>;
  schema: SchemaJson | null;
  crons: Record<string, CronSpec>;
  auth: AuthProviders;
  /** Deployment variables auth.config read: a change of one evaluates it again. */
  authEnvironment: string[];
  /** Routes of http.js, or null without one. */
  httpRoutes: { path: string; method: string }[] | null;
}

export const emptyApp: App = {
  id: "",
  pushedAtMs: 0,
  clientVersion: "",
  modules: [],
  functions: {},
  schema: null,
  crons: {},
  auth: { providers: [] },
  authEnvironment: [],
  httpRoutes: null,
};
