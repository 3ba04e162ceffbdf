/** A deployment in a temporary directory with a small app pushed to it. Closed and deleted when the test is over. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Caller, Engine, Outcome } from "../../../../local/deployment/engine.ts";
import { openEngine } from "../../../../local/deployment/open-engine.ts";
import type { EngineLimits } from "../../../../local/deployment/runtime/limits.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";
import { pushOf } from "./app-bundle.ts";

export const urls = { cloudUrl: "http://127.0.0.1:3210", siteUrl: "http://127.0.0.1:3211" };
export const anonymous: Caller = { kind: "none" };
export const admin: Caller = { kind: "admin" };
const requestId = "0123456789abcdef";

/** What every fixture needs of the client library. */
export const imports = `
import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action, httpActionGeneric as httpAction,
  internalQueryGeneric as internalQuery, internalMutationGeneric as internalMutation, internalActionGeneric as internalAction,
  httpRouter, cronJobs, defineSchema, defineTable, defineApp, anyApi as api } from "convex/server";
import { v, ConvexError } from "convex/values";
`;

export interface OpenApp {
  engine: Engine;
  dataDir: string;
  query: (path: string, args?: Json, caller?: Caller) => Promise<Outcome>;
  mutation: (path: string, args?: Json, caller?: Caller) => Promise<Outcome>;
  action: (path: string, args?: Json, caller?: Caller) => Promise<Outcome>;
  push: (files: Record<string, string>) => Promise<void>;
  /** Closes the deployment and opens it again on the same data. */
  reopen: () => Promise<OpenApp>;
}

export async function openApp(
  files: Record<string, string>,
  limits: Partial<EngineLimits> = {},
): Promise<OpenApp> {
  const dataDir = await mkdtemp(join(tmpdir(), "deployment-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const app = await open(dataDir, limits);
  await app.push(files);
  return app;
}

async function open(dataDir: string, limits: Partial<EngineLimits>): Promise<OpenApp> {
  const engine = await openEngine({ dataDir, ...urls, limits });
  onTestFinished(() => engine.close());
  const call = (path: string, args: Json, caller: Caller) => ({ path, args, caller, requestId });
  return {
    engine,
    dataDir,
    async query(path, args = {}, caller = anonymous) {
      const { results } = await engine.queries([{ ...call(path, args, caller), journal: null }]);
      return results[0]!.outcome;
    },
    async mutation(path, args = {}, caller = anonymous) {
      return (await engine.mutation(call(path, args, caller))).outcome;
    },
    action: (path, args = {}, caller = anonymous) => engine.action(call(path, args, caller)),
    push: (files) => push(engine, files),
    async reopen() {
      await engine.close();
      return open(dataDir, limits);
    },
  };
}

export async function push(engine: Engine, files: Record<string, string>): Promise<void> {
  const withImports = Object.entries(files).map(([path, text]) => {
    const [directive, rest] = text.startsWith('"use node";') ? ['"use node";', text.slice(11)] : ["", text];
    return [path, `${directive}${imports}${rest}`];
  });
  const startPush = (await engine.push.start(await pushOf(Object.fromEntries(withImports) as never))) as {
    schemaChange: Json;
  };
  const status = await engine.push.waitForSchema({ schemaChange: startPush.schemaChange });
  if ((status as { type: string }).type !== "complete") throw new Error(JSON.stringify(status));
  await engine.push.finish({ startPush: startPush as unknown as Json, dryRun: false });
}

export function valueOf(outcome: Outcome): Json {
  if (!outcome.ok) throw new Error(outcome.errorMessage);
  return JSON.parse(outcome.json) as Json;
}

/** Without the first line, which names the request. */
export function errorOf(outcome: Outcome): string {
  if (outcome.ok) throw new Error(`succeeded with ${outcome.json}`);
  return outcome.errorMessage.replace(/^\[Request ID: [0-9a-f]{16}\] Server Error\n/, "");
}
