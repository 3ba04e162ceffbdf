/**
 * Compares the bucket, the records, the letters and what the agents were told. Independent: it reads what `observe.ts`
 * found and what the diary says, and shares no code with the SDK or the backend. Pure.
 */
import { checkBytes } from "./check-bytes.ts";
import { checkEffects } from "./check-effects.ts";
import { checkOrder } from "./check-order.ts";
import { checkPromises } from "./check-promises.ts";
import { checkQuiet } from "./check-quiet.ts";
import { checkTotals } from "./check-totals.ts";
import type { Entry } from "./diary.ts";
import { gatherEvidence, type Violation } from "./evidence.ts";
import type { Observation } from "./observe.ts";
import type { Schedule } from "./schedule.ts";

export interface Verdict {
  violations: Violation[];
}

/** `quiesced`: nothing arrived late since the agents ended, so that all they asked for has to be done. */
export function check(
  schedule: Schedule,
  entries: Entry[],
  found: Observation,
  { quiesced = true }: { quiesced?: boolean } = {},
): Verdict {
  const evidence = gatherEvidence(schedule, entries, found);
  return {
    violations: [
      ...checkPromises(evidence),
      ...checkBytes(evidence),
      ...checkEffects(evidence),
      ...checkOrder(evidence),
      ...checkTotals(evidence),
      ...(quiesced ? checkQuiet(evidence) : []),
    ],
  };
}

/**
 * After everything that was said is said again: what was committed stays as it was, and with nothing left open, so does
 * all. An upload that was given up may open again, and its commit may arrive after all.
 */
export function checkRedelivery(entries: Entry[], before: Observation, after: Observation): Violation[] {
  const violations: Violation[] = [];
  const later = new Map(after.assets.map((row) => [row._id, row]));
  const open =
    entries.filter(({ kind }) => kind === "called").length !==
      entries.filter((entry) => entry.kind === "acked" && entry.via === "upload").length ||
    before.assets.some(({ status }) => status !== "ready" && status !== "superseded");
  for (const row of before.assets) {
    const now = later.get(row._id);
    const settled = row.status === "ready" || row.status === "superseded";
    if (!settled || now?.status === row.status || (open && now?.status === "superseded")) continue;
    violations.push({
      guarantee: "G3",
      check: "redelivery",
      what: `${row._id} went from ${row.status} to ${now?.status ?? "nothing"} when old requests came again`,
    });
  }
  if (!open && after.assets.length !== before.assets.length) {
    violations.push({ guarantee: "G3", check: "redelivery", what: "old requests made new versions" });
  }
  return violations;
}
