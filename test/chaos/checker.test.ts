import { describe, expect, test } from "vitest";
import { check, checkRedelivery } from "./checker.ts";
import type { Violation } from "./evidence.ts";
import { drawSchedule } from "./schedule.ts";
import { queuedRun, soundRun, type Run } from "./sound-run.ts";

type Plant = [check: string, what: string, spoil: (run: Run) => void];

function first<T>(list: readonly T[], at = 0): T {
  const item = list[at];
  if (item === undefined) throw new RangeError(`nothing at ${at}`);
  return item;
}

const asset = ({ found }: Run, at: number) => first(found.assets, at);
const session = ({ found }: Run) => first(found.sessions);
const acked = ({ entries }: Run, at = 0) =>
  first(
    entries.filter((entry) => entry.kind === "acked"),
    at,
  );
const rejected = ({ entries }: Run) => first(entries.filter((entry) => entry.kind === "rejected"));

const PLANTS: Record<Violation["guarantee"], Plant[]> = {
  G1: [
    ["ack-unasked", "an answer to a call nobody made", (run) => (acked(run).wish = 99)],
    ["ack-lost", "an acknowledged upload without a record", ({ found }) => found.assets.shift()],
    ["ack-lost", "an acknowledged upload that failed after all", (run) => (asset(run, 1).status = "error")],
    ["ack-content", "a record of other content", (run) => (asset(run, 1).checksum = "0")],
    ["ack-differs", "an answer with another version than the record's", (run) => (acked(run).version = 5)],
    ["ack-place", "a record in another slot", (run) => (asset(run, 1).chunkIndex = 4)],
    ["ack-bytes", "other bytes than were sent", ({ found }) => (first(found.objects, 1).sha256 = "0")],
    ["no-letter", "an outage that left no letter", (run) => delete rejected(run).letter],
    ["letter-lost", "a letter that is nowhere", ({ found }) => found.letters.pop()],
  ],
  G2: [
    ["record-without-object", "a current record without its object", ({ found }) => found.objects.pop()],
    ["record-other-bytes", "an object cut short", ({ found }) => (first(found.objects, 1).size = 3)],
    [
      "object-other-bytes",
      "an object that was overwritten",
      ({ found }) => (first(found.objects).sha256 = "0"),
    ],
    [
      "object-without-record",
      "an object nothing knows of",
      ({ found }) => found.objects.push({ key: "t/x/stray", size: 1, sha256: "0" }),
    ],
  ],
  G3: [
    ["versions", "a version given twice", (run) => (asset(run, 2).version = 2)],
    ["two-ready", "two current versions", (run) => (asset(run, 0).status = "ready")],
    ["old-current", "an old version in the place of a newer one", (run) => swapStates(run)],
    ["newest-lost", "the newest content overtaken by an older version", (run) => swapStates(run)],
    ["newest-lost", "older content committed as the newest", (run) => recommit(run)],
    [
      "none-ready",
      "committed versions of which none is current",
      (run) => (asset(run, 1).status = "superseded"),
    ],
    ["nothing-current", "a slot that holds nothing", (run) => (asset(run, 1).status = "superseded")],
    ["unasked", "content nobody asked for", (run) => (asset(run, 2).checksum = "0")],
    ["no-call", "a version no call made", ({ found }) => found.calls.splice(2, 1)],
    ["call-twice", "a call recorded twice", ({ found }) => found.calls.push(first(found.calls))],
    ["calls", "more calls than were made", ({ entries }) => entries.splice(1, 1)],
    ["call-astray", "a call that leads nowhere", ({ found }) => found.assets.pop()],
    ["letter-twice", "two letters of one upload", ({ found }) => found.letters.push(first(found.letters))],
    [
      "letter-state",
      "a letter resolved without a commit",
      ({ found }) => (first(found.letters).state = "resolved"),
    ],
    ["repeat", "equal content made a new version", (run) => (acked(run, 2).deduped = false)],
    ["sessions", "a session created twice", (run) => run.found.sessions.push(session(run))],
    ["scenes", "a scene created twice", ({ found }) => found.scenes.push(first(found.scenes))],
    ["session-totals", "a commit counted twice", (run) => (session(run).totalAssetSize *= 2)],
    [
      "session-thumbnail",
      "a pointer to what is not current",
      (run) => (session(run).thumbnailAssetId = asset(run, 0)._id),
    ],
    ["scene-pointers", "a scene that shows an old version", (run) => showOld(run)],
    [
      "scene-status",
      "a scene not ready with its chunk",
      ({ found }) => (first(found.scenes).status = "failed"),
    ],
    ["usage", "bytes counted twice", ({ found }) => (found.usedBytes *= 2)],
  ],
  live: [
    ["unanswered", "a call without an answer", ({ entries }) => entries.pop()],
    [
      "stopped",
      "an agent that stopped",
      (run) => run.entries.push(quietCall, { kind: "stopped", message: "" }),
    ],
    ["still-failing", "a failure when nothing is wrong", (run) => run.entries.push(quietCall, rejected(run))],
    [
      "still-waiting",
      "an entry the journal kept",
      ({ found }) => found.journal.waiting.push("1-a/upload-0/entry.json"),
    ],
    [
      "set-aside",
      "an entry the journal could not read",
      ({ found }) => found.journal.quarantined.push("upload-0-1"),
    ],
    ["still-parked", "a letter its replay left open", ({ schedule }) => (schedule.agent.letters = "replay")],
  ],
};

const quietCall = { kind: "called", wish: 3, quiet: true } as const;

function swapStates(run: Run): void {
  asset(run, 0).status = "ready";
  asset(run, 1).status = "superseded";
}

function recommit(run: Run): void {
  asset(run, 1).status = "superseded";
  Object.assign(asset(run, 2), { status: "ready", checksum: asset(run, 0).checksum });
  delete rejected(run).letter;
}

function showOld(run: Run): void {
  first(first(run.found.scenes).chunks).assetId = asset(run, 0)._id;
}

const verdict = ({ schedule, entries, found }: Run) => check(schedule, entries, found).violations;

test("a sound run has no violation", () => {
  expect(verdict(soundRun())).toEqual([]);
});

describe.each(Object.entries(PLANTS))("[%s] the checker catches", (guarantee, plants) => {
  test.each(plants)("%s: %s", (name, _what, spoil) => {
    const run = soundRun();
    spoil(run);
    expect(verdict(run)).toContainEqual(expect.objectContaining({ guarantee, check: name }));
  });
});

describe("[G1] of a call that was answered `queued`, the checker", () => {
  test("accepts that it was recorded", () => {
    expect(verdict(queuedRun())).toEqual([]);
  });

  const lose = ({ found }: Run) => {
    found.calls.shift();
    found.assets.shift();
    found.objects.shift();
    found.usedBytes /= 2;
    first(found.calls).assetId = asset({ found } as Run, 0)._id;
  };
  const damaged = { kind: "damaged", what: "entry", uploadId: "upload-0" } as const;
  test.each<[string, (run: Run) => void]>([
    ["a letter of it", ({ found }) => found.letters.push({ uploadId: "upload-0", code: "X" } as never)],
    [
      "that it was set aside once it was damaged",
      ({ entries, found }) => {
        entries.push(damaged);
        found.journal.quarantined.push("upload-0-1");
      },
    ],
  ])("accepts %s", (_what, explain) => {
    const run = queuedRun();
    lose(run);
    explain(run);
    expect(verdict(run)).not.toContainEqual(expect.objectContaining({ check: "queued-lost" }));
  });

  test.each<[string, string, (run: Run) => void]>([
    ["queued-lost", "that it is nowhere", lose],
    [
      "queued-lost",
      "that it was damaged and is nowhere",
      (run) => {
        lose(run);
        run.entries.push(damaged);
      },
    ],
    ["queued-bytes", "that its object is another one", ({ found }) => (first(found.objects).sha256 = "0")],
  ])("catches %s: %s", (check, _what, spoil) => {
    const run = queuedRun();
    spoil(run);
    expect(verdict(run)).toContainEqual(expect.objectContaining({ guarantee: "G1", check }));
  });
});

describe("[G3] the checker catches, when old requests come again,", () => {
  test("a committed version that changes", () => {
    const run = soundRun();
    const later = soundRun();
    asset(later, 1).status = "error";
    expect(checkRedelivery(run.entries, run.found, later.found)).toHaveLength(1);
  });

  test("a new version of what was all answered", () => {
    const before = soundRun();
    before.found.assets.pop();
    before.entries.splice(-2);
    expect(checkRedelivery(before.entries, before.found, soundRun().found)).toHaveLength(1);
  });
});

test("a seed is one schedule, and another seed another", () => {
  expect(drawSchedule(41)).toEqual(drawSchedule(41));
  expect(drawSchedule(41)).not.toEqual(drawSchedule(42));
});
