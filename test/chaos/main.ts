/** `npm run chaos`: seeded schedules of uploads and faults against the real stack, judged by an independent checker. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import "../../demo/quiet.ts";
import { bundleAgent } from "./bundle-agent.ts";
import { createReport } from "./report.ts";
import type { FromWorker } from "./worker.ts";

const HELP = `npm run chaos -- [options]

  --schedules N   how many (100)
  --seed S        of the first; the n-th has S + n - 1 (drawn by the clock)
  --workers W     stacks at once, each with an agent of its own (3)
  --json          one JSON line a schedule
  --help

The n-th schedule depends on its own seed alone: --seed S --schedules 1 replays it. What is drawn from the seed: the
uploads, the faults by name and number of each request, the moments of kills and restarts counted in requests, and what
is delivered once more. What is not: how requests of parallel uploads interleave, jitter of retries, ids and times.`;

const { values: flags } = parseArgs({
  options: {
    schedules: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    workers: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) console.log(HELP);
else process.exitCode = await run(Number(flags.schedules), Number(flags.seed), Number(flags.workers));

async function run(schedules: number, firstSeed: number, workers: number): Promise<number> {
  if (![schedules, firstSeed, workers].every((value) => Number.isSafeInteger(value) && value >= 0)) {
    console.error("--schedules, --seed and --workers take whole numbers.");
    return 2;
  }
  const directory = mkdtempSync(join(tmpdir(), "reelsync-chaos-"));
  // Says for Node how to read it, outside of the project.
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  const program = await bundleAgent(directory);
  const report = createReport({ json: flags.json, schedules, directory });
  let next = 0;
  const take = () => (next < schedules ? firstSeed + next++ : undefined);
  const count = Math.min(workers, schedules);
  // Putting the functions on a stack takes all the processor there is: one after the other is sooner.
  let started: Promise<unknown> = Promise.resolve();
  const inTurn = (start: () => Promise<unknown>) => (started = started.then(start));
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      work([join(directory, `worker-${index}`), program], inTurn, take, report.add),
    ),
  );
  const violations = report.finish();
  if (violations === 0) rmSync(directory, { recursive: true, force: true });
  return violations === 0 ? 0 : 1;
}

async function work(
  place: [directory: string, program: string],
  inTurn: (start: () => Promise<unknown>) => Promise<unknown>,
  take: () => number | undefined,
  add: (message: Exclude<FromWorker, { kind: "ready" }>) => void,
): Promise<void> {
  mkdirSync(place[0], { recursive: true });
  const worker = await startWorker(place, inTurn);
  const exited = once(worker, "exit");
  const died = exited.then(() => {
    throw new Error("a worker ended by itself");
  });
  died.catch(() => undefined);
  for (let seed = take(); seed !== undefined; seed = take()) {
    worker.send(seed);
    const [message] = (await Promise.race([once(worker, "message"), died])) as [FromWorker];
    if (message.kind !== "ready") add(message);
  }
  worker.disconnect();
  await exited;
}

async function startWorker(
  place: [directory: string, program: string],
  inTurn: (start: () => Promise<unknown>) => Promise<unknown>,
): Promise<ChildProcess> {
  const script = fileURLToPath(new URL("worker.ts", import.meta.url));
  let worker: ChildProcess | undefined;
  await inTurn(async () => {
    worker = fork(script, place, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const ended = once(worker, "exit").then(() => {
      throw new Error("a worker could not start its stack");
    });
    ended.catch(() => undefined);
    await Promise.race([once(worker, "message"), ended]);
  });
  if (worker === undefined) throw new Error("no worker was started");
  return worker;
}
