/** [live] Once nothing goes wrong any more, every call and every replay succeeds, and nothing that was asked for is without an answer. */
import type { Entry, Rejected } from "./diary.ts";
import type { Evidence, Violation } from "./evidence.ts";
import { hasRoom } from "./schedule.ts";

export function checkQuiet(evidence: Evidence): Violation[] {
  const { schedule, entries, acked, queued, rejected, found, damaged } = evidence;
  const violations: Violation[] = [];
  const add = (check: string, what: string) => violations.push({ guarantee: "live", check, what });
  for (const { id } of schedule.wishes) {
    if (![...acked, ...queued, ...rejected].some(({ wish, via }) => wish === id && via === "upload")) {
      add("unanswered", `wish ${id} was never answered`);
    }
  }
  const held = new Set(entries.flatMap((entry) => (entry.kind === "heldElsewhere" ? [entry.uploadId] : [])));
  for (const entry of afterQuiet(entries)) {
    if (entry.kind === "stopped") add("stopped", entry.message);
    if (entry.kind !== "rejected" || isExpected(evidence, entry)) continue;
    add("still-failing", `wish ${entry.wish}, ${entry.via}: ${entry.code} ${entry.message}`);
  }
  if (schedule.agent.letters === "replay" && hasRoom(schedule)) {
    for (const { uploadId, state } of found.letters) {
      if (state !== "resolved" && !held.has(uploadId) && !damaged.has(uploadId))
        add("still-parked", `${uploadId} is ${state} after its replay`);
    }
  }
  for (const file of found.journal.waiting) add("still-waiting", `${file} is in the journal`);
  for (const name of found.journal.quarantined) {
    if (![...damaged].some((uploadId) => uploadId !== "" && name.startsWith(uploadId))) {
      add("set-aside", `the journal set ${name} aside, and nobody had damaged it`);
    }
  }
  return violations;
}

function afterQuiet(entries: Entry[]): Entry[] {
  const start = entries.findIndex((entry) => "quiet" in entry && entry.quiet);
  return start === -1 ? [] : entries.slice(start);
}

/** A letter another process holds, bytes that could not be kept on a full disk, and what was damaged cannot be replayed. */
function isExpected({ schedule, entries, damaged }: Evidence, { code, via, wish }: Rejected): boolean {
  if (via !== "replay") return false;
  const isDamaged = entries.some(
    (entry) => entry.kind === "replaying" && entry.wish === wish && damaged.has(entry.uploadId),
  );
  return isDamaged || code === "CONFLICT" || (!hasRoom(schedule) && code === "FILE_NOT_FOUND");
}
