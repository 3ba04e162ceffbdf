/** One upload in a process of its own, so that its peak memory is its own too. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { PROJECT_DIR } from "../../demo/push.ts";
import type { RunResult, Side } from "./upload-run.ts";

const run = promisify(execFile);

/** Plain JavaScript, as a published package is: a compiler inside the process would be most of its memory. */
export async function bundle(name: string, folder: string): Promise<string> {
  await build({
    root: PROJECT_DIR,
    configFile: false,
    logLevel: "warn",
    resolve: { alias: { reelsync: join(PROJECT_DIR, "agent-sdk/src/index.ts") } },
    build: { ssr: join(PROJECT_DIR, `bench/sdk/${name}.ts`), outDir: folder, emptyOutDir: false },
  });
  return join(folder, `${name}.js`);
}

/** What a child prints as JSON. */
export async function runScript<Result>(
  script: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Result> {
  const { stdout } = await run(process.execPath, [script, ...args], {
    env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", ...env },
  });
  return JSON.parse(stdout) as Result;
}

export const bundleUploadRun = (folder: string): Promise<string> => bundle("upload-run", folder);

export const runUpload = (
  script: string,
  side: Side,
  file: string,
  env: Record<string, string>,
): Promise<RunResult> => runScript(script, [side, file], env);
