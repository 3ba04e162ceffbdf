/** Opens a deployment: starts the transaction worker, the action pool and the scheduler, and joins them to an Engine. */
import type { Engine } from "./engine.ts";
import { createEngine } from "./runtime/create-engine.ts";
import { defaultLimits } from "./runtime/limits.ts";
import type { EngineLimits } from "./runtime/limits.ts";
import { openRuntime } from "./runtime/open-runtime.ts";

export interface EngineOptions {
  dataDir: string;
  /** Where clients reach this deployment, without a slash at the end. */
  cloudUrl: string;
  /** Where its HTTP actions are served. */
  siteUrl: string;
  limits?: Partial<EngineLimits>;
}

export async function openEngine({ dataDir, cloudUrl, siteUrl, limits }: EngineOptions): Promise<Engine> {
  const runtime = await openRuntime(dataDir, { cloudUrl, siteUrl }, { ...defaultLimits, ...limits });
  return createEngine(runtime);
}
