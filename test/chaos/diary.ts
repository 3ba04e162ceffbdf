/** What agents were told, written down by themselves before they go on: one JSON line an entry, appended, so that a `kill -9` cuts at most the last one. */
import { appendFileSync, readFileSync } from "node:fs";
import type { Damage } from "./schedule.ts";

export interface Acknowledged {
  kind: "acked";
  wish: number;
  via: "upload" | "replay";
  assetId: string;
  s3Key: string;
  version: number;
  sha256: string;
  size: number;
  state: "ready" | "superseded";
  deduped: boolean;
}

/** Kept on the agent's disk, to be sent later. */
export interface Queued {
  kind: "queued";
  wish: number;
  via: "upload";
  uploadId: string;
  sha256: string;
  size: number;
}

export interface Rejected {
  kind: "rejected";
  wish: number;
  via: "upload" | "replay";
  code: string;
  message: string;
  retryable: boolean;
  /** How far the call had come, as the client's own events say. */
  step?: string;
  letter?: { id: string; delivered: boolean };
}

export type Entry =
  | { kind: "placed"; sessionId: string; sceneIds: string[] }
  /** `quiet`: nothing went wrong on purpose any more. */
  | { kind: "called"; wish: number; quiet: boolean }
  | { kind: "replaying"; uploadId: string; wish: number; quiet: boolean }
  /** A letter another process had claimed before it died. */
  | { kind: "heldElsewhere"; uploadId: string }
  | { kind: "stopped"; message: string }
  /** What the journal had left when it was asked to send everything. */
  | { kind: "drained"; waiting: number; failed: number; quiet: boolean }
  /** What the agent's disk did to it: had no room from here on, or saw it killed in the middle of writing. */
  | { kind: "disk"; what: "full" | "killed" }
  /** Written by the simulator: a file of a dead process's journal was damaged. */
  | { kind: "damaged"; what: Damage; uploadId: string }
  | Acknowledged
  | Queued
  | Rejected;

export function writeEntry(file: string, entry: Entry): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

export function readDiary(file: string): Entry[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Entry];
    } catch {
      return [];
    }
  });
}
