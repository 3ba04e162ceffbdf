/** What people and programs read of a run. */
import type { Outcome } from "./run-schedule.ts";
import type { FromWorker } from "./worker.ts";

type Message = Exclude<FromWorker, { kind: "ready" }>;

const PROGRESS_EVERY = 25;

export function createReport({
  json,
  schedules,
  directory,
}: {
  json: boolean;
  schedules: number;
  directory: string;
}) {
  const startedAt = performance.now();
  const outcomes: Outcome[] = [];
  let failures = 0;
  let violations = 0;

  function add(message: Message): void {
    if (message.kind === "failed") {
      failures += 1;
      console.error(`seed ${message.seed}: the simulator failed: ${message.message}`);
      return;
    }
    const { outcome } = message;
    outcomes.push(outcome);
    violations += outcome.violations.length;
    if (json) console.log(JSON.stringify(outcome));
    for (const { guarantee, check, what } of outcome.violations) {
      console.error(`seed ${outcome.seed}: ${guarantee} ${check}: ${what}`);
    }
    if (outcome.violations.length > 0) {
      console.error(
        `  replay: npm run chaos -- --seed ${outcome.seed} --schedules 1\n  evidence: ${directory}/*/schedule-${outcome.seed}`,
      );
    }
    if (!json && outcomes.length % PROGRESS_EVERY === 0) {
      const seconds = (performance.now() - startedAt) / 1000;
      console.log(
        `${outcomes.length} of ${schedules}, ${(seconds / outcomes.length).toFixed(2)} s each, ${violations} violations`,
      );
    }
  }

  /** Schedules that could not be judged count as violations: nothing was shown about them. */
  function finish(): number {
    const total = (of: (outcome: Outcome) => number) =>
      outcomes.reduce((sum, outcome) => sum + of(outcome), 0);
    const figures = {
      seconds: Math.round((performance.now() - startedAt) / 1000),
      uploads: total(({ wishes }) => wishes),
      acknowledged: total(({ acked }) => acked),
      queued: total(({ queued }) => queued),
      rejected: total(({ rejected }) => rejected),
      replayed: total(({ replayed }) => replayed),
      kills: total(({ kills }) => kills),
      unhashed: total(({ unhashed }) => unhashed),
      simulatorFailures: failures,
      faults: merged(outcomes.map(({ faults }) => faults)),
      codes: merged(outcomes.map(({ codes }) => codes)),
      violations: merged(
        outcomes.map((outcome) =>
          merged(outcome.violations.map(({ guarantee, check }) => ({ [`${guarantee} ${check}`]: 1 }))),
        ),
      ),
    };
    if (json) console.log(JSON.stringify({ figures }));
    else console.log(JSON.stringify(figures, null, 2));
    console.log(`${schedules} schedules, ${violations + failures} violations`);
    return violations + failures;
  }

  return { add, finish };
}

function merged(counts: Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const one of counts)
    for (const [name, value] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + value;
  return Object.fromEntries(Object.entries(sum).sort(([left], [right]) => (left < right ? -1 : 1)));
}
