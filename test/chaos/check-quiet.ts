/** [live] Once nothing goes wrong any more, every call and every replay succeeds, and nothing that was asked for is without an answer. */
import type { Entry } from "./diary.ts";
import type { Evidence, Violation } from "./evidence.ts";

export function checkQuiet({ schedule, entries, acked, rejected, found }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const add = (check: string, what: string) => violations.push({ guarantee: "live", check, what });
  for (const { id } of schedule.wishes) {
    if (![...acked, ...rejected].some(({ wish, via }) => wish === id && via === "upload")) {
      add("unanswered", `wish ${id} was never answered`);
    }
  }
  const quiet = afterQuiet(entries);
  const held = new Set(entries.flatMap((entry) => (entry.kind === "heldElsewhere" ? [entry.uploadId] : [])));
  for (const entry of quiet) {
    if (entry.kind === "stopped") add("stopped", entry.message);
    if (entry.kind !== "rejected" || isExpected(entry.code, entry.via, schedule.agent.spool)) continue;
    add("still-failing", `wish ${entry.wish}, ${entry.via}: ${entry.code} ${entry.message}`);
  }
  if (schedule.agent.letters === "replay" && schedule.agent.spool === "writable") {
    for (const { uploadId, state } of found.letters) {
      if (state !== "resolved" && !held.has(uploadId))
        add("still-parked", `${uploadId} is ${state} after its replay`);
    }
  }
  return violations;
}

function afterQuiet(entries: Entry[]): Entry[] {
  const start = entries.findIndex((entry) => "quiet" in entry && entry.quiet);
  return start === -1 ? [] : entries.slice(start);
}

/** A letter another process holds, and bytes that could not be kept on a full disk, cannot be replayed. */
function isExpected(code: string, via: "upload" | "replay", spool: "writable" | "full"): boolean {
  return via === "replay" && (code === "CONFLICT" || (spool === "full" && code === "FILE_NOT_FOUND"));
}
