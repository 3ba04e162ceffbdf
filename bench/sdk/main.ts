/**
 * `npm run bench:sdk`: the SDK against other ways to bring the same files into the same store. The sides take turns, each
 * in a process of its own; what is printed are medians and ratios; nothing is asserted. See bench/README.md.
 */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GIB, KIB, MIB } from "../../contract/limits.ts";
import { PROJECT_DIR } from "../../demo/push.ts";
import { startReelsyncStack } from "../../demo/stack.ts";
import { alternate } from "../measure.ts";
import { figuresOf, printFigures, rounded } from "./report.ts";
import { benchResume } from "./resume.ts";
import { bundle, runScript } from "./run-upload.ts";
import { openStore, type BenchWire } from "./store.ts";
import { installed, manyFilesSides, oneFileSides } from "./tools.ts";
import { SIDES, type RunResult } from "./upload-run.ts";

const HELP = `npm run bench:sdk -- [--runs N] [--files N] [--quick] [--json] [one-file] [many-files] [resume]

  --runs N    alternating runs of each side (default 3)
  --files N   files of 64 KiB (default 1000)
  --quick     64 MiB and 200 files, one run: to see that it works, not for figures
  --json      the figures as JSON on stdout, everything else on stderr`;

const CASES = ["one-file", "many-files", "resume"];
const { values: flags, positionals } = parseArgs({
  options: {
    runs: { type: "string" },
    files: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !CASES.includes(name));
if (flags.help || unknown.length > 0) {
  console.log(unknown.length > 0 ? `no case called ${unknown.join(", ")}\n\n${HELP}` : HELP);
  process.exit(unknown.length > 0 ? 2 : 0);
}
const runs = Number(flags.runs ?? (flags.quick ? 1 : 3));
const fileCount = Number(flags.files ?? (flags.quick ? 200 : 1000));
const fileBytes = flags.quick ? 128 * MIB : GIB;
const wants = (name: string) => positionals.length === 0 || positionals.includes(name);

const RECORDS = "SDK with records";
const BYTES = "SDK, hash and bytes alone";
const WARM = ", warmed up";
const report: Record<string, unknown> = {};

// Inside the project, so that the bundles find the packages they import.
await mkdir(join(PROJECT_DIR, ".reelsync"), { recursive: true });
const folder = await mkdtemp(join(PROJECT_DIR, ".reelsync", "bench-sdk-"));
const dataDir = await mkdtemp(join(tmpdir(), "reelsync-bench-"));
const stack = await startReelsyncStack({ dataDir, onProgress: (text) => console.error(text) });
const store = await openStore(stack);
const { missing } = installed();
console.error(`Uploading to ${store.name} at ${store.clear.endpoint}`);
if (missing.length > 0) console.error(`Left out, because not installed: ${missing.join(", ")}`);
Object.assign(report, {
  store: store.name,
  machine: `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}`,
  node: process.version,
  loadAtStart: loadavg().map((load) => rounded(load, 2)),
  runs,
  missing,
});

try {
  const file = join(folder, "reel.mp4");
  if (wants("one-file") || wants("resume")) await writeRandomFile(file, fileBytes);
  if (wants("one-file")) await oneFile(file);
  if (wants("many-files")) await manyFiles();
  if (wants("resume")) {
    const result = await benchResume(store.clear, await bundle("resume-run", folder), file, folder);
    report["resume"] = result;
    const { resentBytes, inFlightBytes } = result;
    const sent = `${rounded(resentBytes / MIB, 1)} MiB again, of at most ${inFlightBytes / MIB} in flight`;
    if (!flags.json) console.log(`\nKilled at 90 % and gone on with: ${sent}`);
  }
  report["loadAtEnd"] = loadavg().map((load) => rounded(load, 2));
  if (flags.json) console.log(JSON.stringify(report, null, 2));
} finally {
  await store.close();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true });
}
process.exit(0);

/** Over TLS, as stores are reached everywhere but here, and in clear, where the parts of a file are signed unless told. */
async function oneFile(file: string): Promise<void> {
  const script = await bundle("upload-run", folder);
  const run = (side: string, env: Record<string, string>) => () =>
    runScript<RunResult>(script, [side, file], env);
  const over = async (name: string, wire: BenchWire, more: Record<string, () => Promise<RunResult>> = {}) => {
    const sides = Object.fromEntries(SIDES.map((side) => [side, run(side, wire.agentEnv)]));
    const figures = figuresOf(await taken({ ...sides, ...more, ...oneFileSides(wire, file, folder) }), {
      curl: "curl, one PUT",
      "lib-storage": "lib-storage, 16 MiB × 4",
      rclone: "rclone, one PUT",
    });
    const title = `${fileBytes / MIB} MiB ${name}, medians of ${runs} alternating runs`;
    if (!flags.json) printFigures(title, figures);
    return { bytes: fileBytes, figures };
  };
  const { clear, tls } = store;
  if (tls !== undefined) report["oneFileOverTls"] = await over("over TLS", tls);
  const unsigned = run("SDK, whole call", { ...clear.agentEnv, S3_SIGN_PARTS: "never" });
  report["oneFileInClear"] = await over("in clear", clear, { "SDK, whole call, parts unsigned": unsigned });
}

async function manyFiles(): Promise<void> {
  const source = join(folder, "files");
  await mkdir(source);
  for (let file = 0; file < fileCount; file += 1) {
    await writeFile(join(source, `${String(file).padStart(5, "0")}.mp4`), randomBytes(64 * KIB));
  }
  const script = await bundle("small-files-run", folder);
  const sdk =
    (what: string, ...warmUp: string[]) =>
    () =>
      runScript<RunResult>(script, [what, source, ...warmUp], store.clear.agentEnv);
  const deploymentCpu: number[] = [];
  const sides = {
    [RECORDS]: async () => {
      const before = process.cpuUsage();
      const result = await sdk("records")();
      const { user, system } = process.cpuUsage(before);
      deploymentCpu.push((user + system) / 1000 / fileCount);
      return result;
    },
    [BYTES]: sdk("bytes"),
    [RECORDS + WARM]: sdk("records", "warm"),
    [BYTES + WARM]: sdk("bytes", "warm"),
    ...manyFilesSides(store.clear, source, folder),
  };
  const figures = figuresOf(await taken(sides), { rclone: "rclone, 32 at a time" });
  const shareOf = (state: string) =>
    1 - (figures[BYTES + state]?.seconds ?? NaN) / (figures[RECORDS + state]?.seconds ?? NaN);
  const share = shareOf("");
  const deploymentMs = [...deploymentCpu].sort((a, b) => a - b)[Math.floor(deploymentCpu.length / 2)] ?? NaN;
  report["manyFiles"] = {
    files: fileCount,
    bytesEach: 64 * KIB,
    figures,
    convexShareOfWall: rounded(share, 2),
    convexShareOfWallWarmedUp: rounded(shareOf(WARM), 2),
    deploymentCpuMsPerFile: rounded(deploymentMs, 2),
  };
  if (flags.json) return;
  printFigures(`${fileCount} files of 64 KiB, medians of ${runs} alternating runs`, figures);
  const percent = (part: number) => `${(100 * part).toFixed(0)} %`;
  console.log(`Convex's share of the wall time: ${percent(share)}, warmed up ${percent(shareOf(WARM))}`);
  console.log(`CPU of the deployment: ${deploymentMs.toFixed(2)} ms a file`);
}

/** Every run begins on an empty store. */
function taken(
  sides: Partial<Record<string, () => Promise<RunResult>>>,
): Promise<Record<string, RunResult[]>> {
  const cleared = Object.entries(sides).flatMap(([name, run]) =>
    run === undefined
      ? []
      : [
          [
            name,
            async () => {
              console.error(`  ${name}`);
              const result = await run();
              await store.empty();
              return result;
            },
          ] as const,
        ],
  );
  return alternate(Object.fromEntries(cleared), runs);
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
