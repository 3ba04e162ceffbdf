/**
 * Starts a worker thread whose entry is TypeScript. On Node 20 `--import tsx` among a worker's arguments has no effect, so
 * the thread begins with a line of JavaScript that registers tsx and then loads the entry.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

// `require` finds the CommonJS build; a thread that is to load ES modules needs the one beside it.
const tsxPath = createRequire(import.meta.url)
  .resolve("tsx/esm/api")
  .replace(/\.cjs$/, ".mjs");
const tsxUrl = pathToFileURL(tsxPath).href;

export interface ThreadOptions {
  workerData?: unknown;
  heapMb: number;
  env: Record<string, string>;
}

export function startThread(entry: URL, { workerData, heapMb, env }: ThreadOptions): Worker {
  const start = `import { register } from ${JSON.stringify(tsxUrl)}; register(); await import(${JSON.stringify(entry.href)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), {
    execArgv: ["--experimental-vm-modules", "--no-warnings"],
    workerData,
    env,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  });
}
