/** Makes an app version of a push request, or refuses the request. */
import { RequestError } from "../engine.ts";
import type { App, AppFunction, CronSpec } from "../runtime/app.ts";
import type { Environment } from "../runtime/environment.ts";
import { parseFunctionPath, storedPath } from "../runtime/function-path.ts";
import { checkSchedule } from "../scheduler/cron-schedule.ts";
import { analyze } from "./analysis.ts";
import type { Analysis } from "./analysis.ts";
import { parseProviders } from "./auth-config.ts";
import type { DeclaredVariable } from "./declared-variables.ts";
import { collectModules, toModule } from "./modules.ts";
import type { StartPush } from "./push-body.ts";

export async function stagePush(
  request: StartPush,
  current: App,
  environment: Environment,
  id: string,
): Promise<{ app: App; declaredVariables: DeclaredVariable[] }> {
  const [component] = request.componentDefinitions;
  if (component) {
    throw new RequestError(
      400,
      "ComponentsNotSupported",
      `The local deployment does not support components yet (${component.definitionPath}). Remove app.use(…) from convex.config.ts.`,
    );
  }
  const { definition } = request.appDefinition;
  const modules = collectModules(request.appDefinition, current.modules);
  const pushedAtMs = Date.now();
  const analysis = await analyze({
    modules,
    ...(definition && { definition: toModule(definition) }),
    environment,
    pushedAtMs,
  });
  const { declaredVariables = [], httpPrefix = null } = analysis.definition ?? {};
  if (httpPrefix !== null) {
    throw new RequestError(
      400,
      "HttpPrefixNotSupported",
      `The local deployment serves HTTP actions at the root only. Remove httpPrefix "${httpPrefix}" from convex.config.ts.`,
    );
  }
  const app: App = {
    id,
    pushedAtMs,
    clientVersion: request.appDefinition.udfServerVersion,
    modules,
    functions: analysis.functions,
    schema: analysis.schema,
    crons: cronSpecs(analysis),
    auth: parseProviders(analysis.auth?.providers ?? []),
    authEnvironment: analysis.auth?.environmentRead ?? [],
    httpRoutes: analysis.httpRoutes,
  };
  return { app, declaredVariables };
}

function cronSpecs({ crons, functions }: Analysis): Record<string, CronSpec> {
  const specs: Record<string, CronSpec> = {};
  for (const [identifier, { name, args, schedule }] of Object.entries(crons)) {
    const refuse = (problem: string) =>
      new RequestError(400, "InvalidCron", `Cron "${identifier}": ${problem}`);
    const path = parseFunctionPath(name);
    const found: AppFunction | undefined = path
      ? functions[path.module]?.find((candidate) => candidate.name === path.name)
      : undefined;
    if (!path || !found) throw refuse(`there is no function ${name}.`);
    if (found.type === "Query") throw refuse(`${name} is a query; a cron runs a mutation or an action.`);
    try {
      checkSchedule(identifier, schedule);
    } catch (error) {
      throw refuse(`${error instanceof Error ? error.message : String(error)}.`);
    }
    specs[identifier] = { path: storedPath(path), args: JSON.stringify(args), schedule };
  }
  return specs;
}
