/**
 * Thousands of small files: the SDK with their Convex records, against rclone at its best setting copying the bytes
 * alone, into the same object store. What Convex costs is the difference to the same run without it. All are processes of
 * their own; the sides take turns; every run has a folder (a session, a prefix) of its own, so nothing is ever skipped
 * because it is there already. The SDK's time begins when its sessions and scenes are there, rclone's with its process.
 */
import { execFile, execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { PROJECT_DIR } from "../demo/push.ts";
import { BUCKET, type ReelsyncStack } from "../demo/stack.ts";
import { KIB } from "../contract/limits.ts";
import { alternate, median } from "./measure.ts";

const FILES = 5_000;
const FILE_BYTES = 64 * KIB;
const ROUNDS = 3;
const WITH_RECORDS = "SDK, batchSyncAssets with records";
const BYTES_ALONE = "SDK, hash and bytes alone";
const RCLONE = "rclone, bytes alone";
const run = promisify(execFile);

/** Beyond 32 transfers it gains nothing; the rest keeps it from asking about what is there before it writes. */
const RCLONE_BEST = ["--transfers", "32", "--s3-no-head", "--no-check-dest", "--no-traverse"];

export async function benchSmallFiles(stack: ReelsyncStack, files = FILES, rounds = ROUNDS): Promise<void> {
  await mkdir(join(PROJECT_DIR, ".reelsync"), { recursive: true });
  const folder = await mkdtemp(join(PROJECT_DIR, ".reelsync", "bench-small-"));
  try {
    const source = join(folder, "files");
    await mkdir(source);
    for (let file = 0; file < files; file += 1) {
      await writeFile(join(source, `${String(file).padStart(5, "0")}.mp4`), randomBytes(FILE_BYTES));
    }
    const script = await bundleRun(folder);
    const sides: Record<string, () => Promise<number>> = {
      [WITH_RECORDS]: () => runSdk(script, "records", source, stack.agentEnv),
      [BYTES_ALONE]: () => runSdk(script, "bytes", source, stack.agentEnv),
    };
    if (hasRclone()) sides[RCLONE] = () => runRclone(source, stack);
    else console.log("\nrclone is not installed: its side is left out, and there is no ratio");
    report(files, await alternate(sides, rounds));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bundleRun(folder: string): Promise<string> {
  await build({
    root: PROJECT_DIR,
    configFile: false,
    logLevel: "warn",
    resolve: { alias: { reelsync: join(PROJECT_DIR, "agent-sdk/src/index.ts") } },
    build: { ssr: join(PROJECT_DIR, "bench/small-files-run.ts"), outDir: folder, emptyOutDir: false },
  });
  return join(folder, "small-files-run.js");
}

async function runSdk(
  script: string,
  what: string,
  source: string,
  env: Record<string, string>,
): Promise<number> {
  const { stdout } = await run(process.execPath, [script, what, source], {
    env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", ...env },
  });
  return (JSON.parse(stdout) as { seconds: number }).seconds;
}

async function runRclone(source: string, stack: ReelsyncStack): Promise<number> {
  const { endpoint, credentials } = stack.local.objectStore;
  const target = `:s3:${BUCKET}/bench/${randomUUID()}`;
  const startedAt = performance.now();
  await run("rclone", ["copy", source, target, ...RCLONE_BEST, "--config", "/dev/null"], {
    env: {
      PATH: process.env["PATH"],
      HOME: source,
      RCLONE_S3_PROVIDER: "Other",
      RCLONE_S3_ENDPOINT: endpoint,
      RCLONE_S3_ACCESS_KEY_ID: credentials.accessKeyId,
      RCLONE_S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      RCLONE_S3_REGION: "us-east-1",
      RCLONE_S3_FORCE_PATH_STYLE: "true",
      RCLONE_S3_NO_CHECK_BUCKET: "true",
    },
  });
  return (performance.now() - startedAt) / 1000;
}

function hasRclone(): boolean {
  try {
    execFileSync("rclone", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function report(files: number, seconds: Record<string, number[]>): void {
  const of = (side: string) => median(seconds[side] ?? [Number.NaN]);
  const rounds = seconds[WITH_RECORDS]?.length ?? 0;
  console.log(`\n${files} files of ${FILE_BYTES / KIB} KiB, medians of ${rounds} alternating runs`);
  console.table(
    Object.fromEntries(
      Object.keys(seconds).map((side) => [
        side,
        {
          seconds: Number(of(side).toFixed(2)),
          "files per second": Math.round(files / of(side)),
          "× rclone": Number((of(side) / of(RCLONE)).toFixed(2)),
        },
      ]),
    ),
  );
  const share = 1 - of(BYTES_ALONE) / of(WITH_RECORDS);
  console.log(`Convex's share of the wall time: ${(100 * share).toFixed(0)} %`);
}
