/**
 * 1 GiB through the SDK against raw lib-storage on the same object store. Every run is a process of its own, so that its
 * peak memory is its own too; the sides take turns. The SDK's side includes hashing the file, and in "whole call" the
 * Convex record as well; lib-storage does neither.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { PROJECT_DIR } from "../demo/push.ts";
import type { ReelsyncStack } from "../demo/stack.ts";
import { GIB, MIB } from "../contract/limits.ts";
import { alternate, median } from "./measure.ts";
import { SIDES, type RunResult, type Side } from "./upload-run.ts";

const ROUNDS = 5;
const run = promisify(execFile);

export async function benchSdkUpload(stack: ReelsyncStack, size = GIB, rounds = ROUNDS): Promise<void> {
  // Inside the project, so that the bundle finds the packages it imports.
  await mkdir(join(PROJECT_DIR, ".reelsync"), { recursive: true });
  const folder = await mkdtemp(join(PROJECT_DIR, ".reelsync", "bench-upload-"));
  try {
    const file = join(folder, "reel.mp4");
    await writeRandomFile(file, size);
    const script = await bundleUploadRun(folder);
    const sides = Object.fromEntries(
      SIDES.map((side) => [side, () => runUpload(script, side, file, stack.agentEnv)] as const),
    );
    report(size, await alternate(sides, rounds));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function runUpload(
  script: string,
  side: Side,
  file: string,
  env: Record<string, string>,
): Promise<RunResult> {
  const { stdout } = await run(process.execPath, [script, side, file], {
    env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", ...env },
  });
  return JSON.parse(stdout) as RunResult;
}

/** Plain JavaScript, as a published package is: a compiler inside the process would be most of its memory. */
export async function bundleUploadRun(folder: string): Promise<string> {
  await build({
    root: PROJECT_DIR,
    configFile: false,
    logLevel: "warn",
    resolve: { alias: { reelsync: join(PROJECT_DIR, "agent-sdk/src/index.ts") } },
    build: { ssr: join(PROJECT_DIR, "bench/upload-run.ts"), outDir: folder, emptyOutDir: false },
  });
  return join(folder, "upload-run.js");
}

/** Random, so that nothing on the way can compress or guess it. */
async function writeRandomFile(path: string, size: number): Promise<void> {
  const file = await open(path, "w");
  try {
    for (let written = 0; written < size; written += MIB) {
      await file.write(randomBytes(Math.min(MIB, size - written)));
    }
  } finally {
    await file.close();
  }
}

function report(size: number, results: Record<string, RunResult[]>): void {
  const of = (side: string, pick: (result: RunResult) => number) => median((results[side] ?? []).map(pick));
  const base: Side = "lib-storage, 16 MiB × 4";
  console.log(`\nUploading ${size / MIB} MiB, medians of ${(results[base] ?? []).length} alternating runs`);
  console.table(
    Object.fromEntries(
      Object.keys(results).map((side) => {
        const seconds = of(side, (result) => result.seconds);
        return [
          side,
          {
            seconds: Number(seconds.toFixed(2)),
            "× lib-storage": Number((seconds / of(base, (result) => result.seconds)).toFixed(2)),
            "CPU seconds": Number(of(side, (result) => result.cpuSeconds).toFixed(2)),
            "peak RSS MiB": Math.round(of(side, (result) => result.peakRssMib)),
            "× its RSS": Number(
              (of(side, (result) => result.peakRssMib) / of(base, (result) => result.peakRssMib)).toFixed(2),
            ),
          },
        ];
      }),
    ),
  );
}
