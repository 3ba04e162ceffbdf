/** How much waits in a journal's folder, whoever owns it. Only looks: nothing is taken over, opened or changed. */
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isAheadLog, readAheadLog } from "./ahead-log.ts";
import { readRecord, recordIn, type JournalRecord } from "./journal-record.ts";
import { isAbandoned } from "./lease.ts";

export interface JournalDepth {
  /** Uploads that were answered `queued`, and those whose process is gone. */
  waiting: number;
  /** Uploads a running process is busy with and has not answered yet. */
  underWay: number;
  /** Sum of the sizes of those that wait. */
  waitingBytes: number;
  /** When the oldest of those that wait was called, milliseconds since the epoch. */
  oldestAt?: number;
  /** Entries nobody could read, moved aside. */
  quarantined: number;
}

export async function journalDepth(journalDir: string): Promise<JournalDepth> {
  const root = resolve(journalDir);
  const depth: JournalDepth = { waiting: 0, underWay: 0, waitingBytes: 0, quarantined: 0 };
  for (const owner of await folders(root)) {
    if (owner === "quarantine") {
      depth.quarantined = (await folders(join(root, owner))).length;
      continue;
    }
    const isLeft = await isAbandoned(join(root, owner));
    const inFolders = await Promise.all(
      (await folders(join(root, owner))).map((uploadId) => recordIn(join(root, owner, uploadId))),
    );
    const records = inFolders.filter((record) => record !== undefined);
    const known = new Set(records.map(({ intent }) => intent.uploadId));
    records.push(...(await ahead(join(root, owner))).filter(({ intent }) => !known.has(intent.uploadId)));
    for (const record of records) {
      if (isLeft || record.acknowledged) {
        depth.waiting += 1;
        depth.waitingBytes += record.intent.size;
        depth.oldestAt = Math.min(depth.oldestAt ?? record.createdAt, record.createdAt);
      } else {
        depth.underWay += 1;
      }
    }
  }
  return depth;
}

async function folders(path: string): Promise<string[]> {
  const found = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  return found.filter((one) => one.isDirectory()).map(({ name }) => name);
}

/** What has no folder of its own yet. */
async function ahead(owner: string): Promise<JournalRecord[]> {
  const names = (await readdir(owner).catch(() => [])).filter(isAheadLog);
  const logs = names.map((name) => readAheadLog(join(owner, name), readRecord).catch(() => ({ alive: [] })));
  return (await Promise.all(logs)).flatMap(({ alive }) => alive);
}
