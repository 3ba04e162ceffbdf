/** A small run in which everything is as it should be: three calls acknowledged, one parked; for tests of the checker to spoil. */
import type { Doc } from "../../convex/_generated/dataModel";
import { bytesOf, sha256Of } from "./content.ts";
import type { Acknowledged, Entry, Rejected } from "./diary.ts";
import type { Observation } from "./observe.ts";
import { drawSchedule, type Schedule, type Wish } from "./schedule.ts";

export interface Run {
  schedule: Schedule;
  entries: Entry[];
  found: Observation;
}

const SOUND_DISK = { fullFrom: null, fullFor: 0, killAt: null };
const SEED = 7;
const SIZE = 10;
const PARKED = "upload-3";

export function soundRun(): Run {
  const wishes = [chunk(0, 0), chunk(1, 1), chunk(2, 1), chunk(3, 2)];
  const schedule: Schedule = {
    ...drawSchedule(SEED),
    scenes: 1,
    wishes,
    racing: false,
    agent: { ...drawSchedule(SEED).agent, letters: "leave", spool: "writable", disk: SOUND_DISK },
  };
  const assets = [version(1, 0, "superseded"), version(2, 1, "ready"), version(3, 2, "error")];
  return {
    schedule,
    entries: [
      { kind: "placed", sessionId: "session", sceneIds: ["scene"] },
      ...[acked(0, 1, 0), acked(1, 2, 1), acked(2, 2, 1)].flatMap(called),
      ...called(rejected(3)),
    ],
    found: {
      objects: [0, 1].map((content) => ({ key: keyOf(content), size: SIZE, sha256: hashOf(content) })),
      assets,
      calls: assets.concat(assets[1] ?? []).map((row, at) => call(["0", "1", "3", "2"][at] ?? "", row)),
      letters: [{ uploadId: PARKED, state: "parked" } as Doc<"deadLetters">],
      sessions: [session()],
      scenes: [scene()],
      usedBytes: 2 * SIZE,
      spooled: [],
      journal: { waiting: [], quarantined: [] },
    },
  };
}

/** The same, and the first call was answered `queued`. */
export function queuedRun(): Run {
  const run = soundRun();
  const at = run.entries.findIndex(({ kind }) => kind === "acked");
  const uploadId = "upload-0";
  run.entries[at] = { kind: "queued", wish: 0, via: "upload", uploadId, sha256: hashOf(0), size: SIZE };
  return run;
}

const hashOf = (content: number) => sha256Of(bytesOf({ seed: SEED, content, size: SIZE }));
const keyOf = (content: number) => `t/x/${hashOf(content)}`;

function chunk(id: number, content: number): Wish {
  const place = { scene: 0, assetType: "video_chunk", chunkIndex: 0, fileName: "take.mp4" } as const;
  return { id, ...place, content, size: SIZE, source: "buffer", timeoutMs: 1_000 };
}

function version(number: number, content: number, status: Doc<"assets">["status"]): Doc<"assets"> {
  return {
    _id: `asset-${number}`,
    entityId: "scene",
    assetType: "video_chunk",
    chunkIndex: 0,
    version: number,
    status,
    checksum: hashOf(content),
    size: SIZE,
    s3Key: keyOf(content),
    wish: { at: number, clock: "box", tick: number },
  } as unknown as Doc<"assets">;
}

function called(outcome: Acknowledged | Rejected): Entry[] {
  return [{ kind: "called", wish: outcome.wish, quiet: false }, outcome];
}

function acked(wish: number, number: number, content: number): Acknowledged {
  const answer = {
    assetId: `asset-${number}`,
    s3Key: keyOf(content),
    version: number,
    sha256: hashOf(content),
  };
  return { kind: "acked", wish, via: "upload", ...answer, size: SIZE, state: "ready", deduped: wish === 2 };
}

function rejected(wish: number): Rejected {
  const error = { code: "S3_UNAVAILABLE", message: "down", retryable: true, step: "upload" };
  return { kind: "rejected", wish, via: "upload", ...error, letter: { id: PARKED, delivered: true } };
}

function call(id: string, row: Doc<"assets">): Doc<"uploadCalls"> {
  return { uploadId: `upload-${id}`, assetId: row._id } as Doc<"uploadCalls">;
}

function session(): Doc<"sessions"> {
  const counts = { totalAssetSize: SIZE, assetCount: 1, sceneCount: 1, readyCount: 1, failedCount: 0 };
  return { _id: "session", ...counts } as unknown as Doc<"sessions">;
}

function scene(): Doc<"scenes"> {
  const chunks = [{ assetId: "asset-2", chunkIndex: 0 }];
  return { _id: "scene", sceneKey: "scene-0", index: 0, status: "ready", chunks } as unknown as Doc<"scenes">;
}
