/**
 * The outbox on this machine's disk: uploads that are on their way or were answered `queued`. Talks to nobody.
 *
 *   {folder}/
 *     {pid}-{random}/           one for each client, owned through its lease; written to by its owner only
 *       lease.json              see lease.ts; absent once the owner has given the folder up
 *       ahead.log               uploads in one request that nobody was answered for yet, see ahead-log.ts
 *       {uploadId}/             one upload; moved to another owner's folder by one rename, so one process gets it
 *         entry.json            JournalRecord; written beside itself and renamed, so it is whole or absent
 *         bytes                 what Buffers and streams held, or a second name of the file; complete before entry.json
 *         parts                 see part-ledger.ts; only of multipart uploads
 *     quarantine/               entries that could not be read, for a person to look at
 *
 * An entry is written before begin and removed after commit. Until the call is answered only `kill -9` is promised, which
 * the system's cache survives, so nothing is synced; before `queued` is answered entry, bytes and folder are. A folder
 * without entry.json was never acknowledged to anybody and is removed. No secrets: an intent, a path and a code.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { AssetIntent, UnhashedIntent } from "../../../contract/asset.ts";
import type { CallMark } from "../call-mark.ts";
import { ofUpload, type Events } from "../events.ts";
import type { AssetFile } from "../file/asset-file.ts";
import { createAheadLog, isAheadLog, readAheadLog } from "./ahead-log.ts";
import { linkOrCopy, syncFile, syncFolder, writeWhole } from "./durable-file.ts";
import { queuedElsewhere } from "./elsewhere.ts";
import { beat, HEARTBEAT_MS, isAbandoned, STALE_AFTER_MS, takeLease } from "./lease.ts";
import { readRecord, type JournalRecord } from "./journal-record.ts";
import { createPartLedger, type PartLedger } from "./part-ledger.ts";
import { createRoom, type RoomLimits } from "./room.ts";

/** One upload of this journal: promised room at first, an entry on disk once it is written. */
export interface JournalEntry {
  readonly uploadId: string;
  readonly record: JournalRecord | undefined;
  readonly parts: PartLedger;
  /** So that another process finds the upload when this one is killed, and the parts it has sent if it has parts. */
  writeAhead: (
    intent: UnhashedIntent,
    file: { path: string; mark?: string },
    hasParts: boolean,
  ) => Promise<void>;
  /** When this resolves the upload survives whatever happens to this process and to its machine. */
  acknowledge: (intent: AssetIntent, file: AssetFile, code: string) => Promise<void>;
  noteFailure: (code: string) => Promise<void>;
  /** Where the bytes are now: those kept here, or the caller's file. */
  source: () => Promise<{ path: string; kept: boolean }>;
  remove: () => Promise<void>;
}

export interface JournalState {
  /** Uploads that wait to be sent. */
  waiting: number;
  /** When the oldest of them was called, in milliseconds since the epoch. */
  oldestAt?: number;
}

export type Journal = ReturnType<typeof createJournal>;

export function createJournal(folder: string, limits: RoomLimits, events: Events) {
  const root = resolve(folder);
  const own = join(root, `${process.pid}-${randomBytes(6).toString("hex")}`);
  const room = createRoom(limits);
  const ahead = createAheadLog(join(own, "ahead.log"));
  /** What nobody drives at the moment, in order of sequence when listed. */
  const waiting = new Map<string, JournalEntry>();
  const removals = new Set<() => void>();
  let opened: Promise<void> | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  let lastSequence = 0;

  /** The folder appears together with its lease: one without would be taken for given up. */
  async function openOwn(): Promise<void> {
    const draft = `${own}.draft`;
    try {
      await mkdir(draft, { recursive: true, mode: 0o700 });
      await takeLease(draft);
      await rename(draft, own);
    } catch (error) {
      await rm(draft, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
    await syncFolder(root);
    heartbeat = setInterval(() => void beat(own).catch(() => undefined), HEARTBEAT_MS).unref();
  }

  function openFolder(): Promise<void> {
    opened ??= openOwn().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  function nextSequence(): number {
    // Goes on after what an earlier process has left, even when the clock was set back.
    return (lastSequence = Math.max(lastSequence + 1, Date.now() * 1000));
  }

  function createEntry(
    { id: uploadId, madeAt }: { id: string; madeAt?: CallMark | undefined },
    giveBack: () => void,
    found?: JournalRecord,
  ): JournalEntry {
    const place = join(own, uploadId);
    const parts = createPartLedger();
    const sequence = found?.sequence ?? nextSequence();
    let record = found;
    let inFolder = found !== undefined;
    if (found !== undefined) parts.keepIn(join(place, "parts"));

    async function openPlace(): Promise<void> {
      await openFolder();
      await mkdir(place, { recursive: true, mode: 0o700 });
      if (!inFolder) parts.keepIn(join(place, "parts"));
      inFolder = true;
    }

    async function save(next: JournalRecord, synced: boolean): Promise<void> {
      await openPlace();
      await writeWhole(join(place, "entry.json"), JSON.stringify(next), { synced });
      record = next;
      await ahead.forget(uploadId);
    }

    const fresh = (intent: UnhashedIntent): JournalRecord => ({
      layout: 1,
      sequence,
      createdAt: Date.now(),
      ...(madeAt !== undefined && { madeAt }),
      intent,
      acknowledged: false,
      attempts: 0,
    });

    const entry: JournalEntry = {
      uploadId,
      parts,
      get record() {
        return record;
      },
      async writeAhead(intent, { path, mark }, hasParts) {
        const stands = intent.sha256 === undefined && mark !== undefined ? { mark } : {};
        const next = { ...fresh(intent), path, ...stands };
        if (hasParts) return save(next, false);
        await openFolder();
        await ahead.note(uploadId, next);
        record = next;
      },
      async acknowledge(intent, file, code) {
        await openPlace();
        const bytes = join(place, "bytes");
        try {
          if (file.keep !== undefined) {
            await file.keep(bytes);
            await syncFile(bytes);
          } else if (file.path !== undefined) {
            await linkOrRefer(file.path, bytes);
          }
          const path = file.path === undefined ? {} : { path: file.path };
          const { mark: _until, ...known } = record ?? fresh(intent);
          await save({ ...known, intent, ...path, acknowledged: true, code }, true);
        } catch (error) {
          // The dead letter it becomes instead may need that room.
          await rm(bytes, { force: true }).catch(() => undefined);
          throw error;
        }
        await syncFolder(own);
      },
      async noteFailure(code) {
        if (record === undefined) return;
        await save({ ...record, attempts: record.attempts + 1, code }, false);
      },
      async source() {
        const bytes = join(place, "bytes");
        const kept = await stat(bytes).then(
          () => true,
          () => false,
        );
        return { path: kept ? bytes : (record?.path ?? bytes), kept };
      },
      async remove() {
        waiting.delete(uploadId);
        try {
          if (inFolder) await rm(place, { recursive: true, force: true });
          inFolder = false;
          record = undefined;
          await ahead.forget(uploadId);
        } finally {
          giveBack();
          for (const removed of [...removals]) removed();
        }
      },
    };
    return entry;
  }

  /** Takes the entries of processes that are gone. Two that try at once share them out between each other. */
  async function takeOver(): Promise<number> {
    const before = waiting.size;
    const names = await readdir(root, { withFileTypes: true }).catch(() => []);
    for (const name of names) {
      const folder = join(root, name.name);
      if (!name.isDirectory() || folder === own || name.name === "quarantine") continue;
      if (name.name.endsWith(".draft")) await removeStale(folder);
      else if (await isAbandoned(folder)) await empty(folder);
    }
    return waiting.size - before;
  }

  /** What a process left that was killed before it owned anything. */
  async function removeStale(draft: string): Promise<void> {
    const made = await stat(draft).catch(() => undefined);
    if (made === undefined || Date.now() - made.mtimeMs < STALE_AFTER_MS) return;
    await rm(draft, { recursive: true, force: true });
  }

  async function empty(folder: string): Promise<void> {
    const names = await readdir(folder).catch(() => []);
    for (const uploadId of names) {
      if (uploadId === "lease.json" || isAheadLog(uploadId)) continue;
      if (uploadId.endsWith(".draft")) {
        // Of a file that was being written; the whole one it was to replace is beside it.
        await rm(join(folder, uploadId), { force: true });
        continue;
      }
      await openFolder();
      try {
        await rename(join(folder, uploadId), join(own, uploadId));
      } catch {
        // Another process was quicker.
        continue;
      }
      await adopt(uploadId);
    }
    for (const name of names.filter(isAheadLog)) await emptyLog(join(folder, name));
    await rm(join(folder, "lease.json"), { force: true });
    await rmdir(folder).catch(() => undefined);
  }

  /** Its uploads get folders of their own; the log is there until they all have. */
  async function emptyLog(log: string): Promise<void> {
    await openFolder();
    const taken = join(own, `ahead-${randomBytes(3).toString("hex")}.log`);
    try {
      await rename(log, taken);
    } catch {
      return;
    }
    const { alive, torn } = await readAheadLog(taken, readRecord);
    try {
      for (const record of alive) {
        const { uploadId } = record.intent;
        if (waiting.has(uploadId)) continue;
        await mkdir(join(own, uploadId), { recursive: true, mode: 0o700 });
        await writeWhole(join(own, uploadId, "entry.json"), JSON.stringify(record), { synced: false });
        await adopt(uploadId);
      }
    } catch (error) {
      // Where the next look finds it, when there is room.
      await rename(taken, log).catch(() => undefined);
      throw error;
    }
    if (torn) await quarantine(basename(taken));
    else await rm(taken, { force: true });
  }

  async function adopt(uploadId: string): Promise<void> {
    const place = join(own, uploadId);
    const text = await readFile(join(place, "entry.json"), "utf8").catch((error: unknown) =>
      (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : "",
    );
    if (text === undefined) return rm(place, { recursive: true, force: true });
    const record = readRecord(text);
    if (record?.intent.uploadId !== uploadId) return quarantine(uploadId);
    lastSequence = Math.max(lastSequence, record.sequence);
    const bytes = await stat(join(place, "bytes")).catch(() => undefined);
    const held = record.path === undefined ? (bytes?.size ?? 0) : 0;
    waiting.set(uploadId, createEntry({ id: uploadId }, room.occupy(held), record));
    events.emit({ type: "journal.recovered", ...ofUpload(record.intent), acknowledged: record.acknowledged });
  }

  async function quarantine(name: string): Promise<void> {
    const to = join(root, "quarantine", `${name}-${randomBytes(3).toString("hex")}`);
    await mkdir(join(root, "quarantine"), { recursive: true, mode: 0o700 });
    await rename(join(own, name), to);
    events.emit({ type: "journal.quarantined", path: to });
  }

  return {
    takeOver,
    /** Room for one upload, before anything is begun. `bytes`: what has to be kept here should it be queued. */
    async admit(
      upload: { id: string; madeAt: CallMark | undefined },
      bytes: number,
      signal: AbortSignal,
    ): Promise<JournalEntry> {
      return createEntry(upload, await room.take(bytes, signal));
    },
    /** Nobody drives it from now on but the drainer. */
    leave(entry: JournalEntry): void {
      waiting.set(entry.uploadId, entry);
    },
    /** Whether it is still to be sent. */
    holds: (entry: JournalEntry): boolean => waiting.get(entry.uploadId) === entry,
    waiting(): JournalEntry[] {
      return [...waiting.values()].sort((a, b) => (a.record?.sequence ?? 0) - (b.record?.sequence ?? 0));
    },
    state(): JournalState {
      const calledAt = [...waiting.values()].flatMap(({ record }) => record?.createdAt ?? []);
      const oldestAt = calledAt.reduce((oldest, at) => Math.min(oldest, at), Infinity);
      return { waiting: waiting.size, ...(oldestAt !== Infinity && { oldestAt }) };
    },
    /** An upload that another process of this machine was left with. */
    queuedElsewhere: (uploadId: string) => queuedElsewhere(root, own, uploadId),
    waitsFor(entityId: string): boolean {
      return [...waiting.values()].some(({ record }) => record?.intent.entityId === entityId);
    },
    /** Resolves when an entry is gone. */
    removal(signal: AbortSignal): Promise<void> {
      return new Promise((done, reject) => {
        const stop = () => {
          removals.delete(removed);
          signal.removeEventListener("abort", aborted);
        };
        const removed = () => {
          stop();
          done();
        };
        const aborted = () => {
          stop();
          reject(signal.reason as Error);
        };
        removals.add(removed);
        signal.addEventListener("abort", aborted, { once: true });
      });
    },
    /** What is left waits for the next process. */
    async close(): Promise<void> {
      clearInterval(heartbeat);
      if (opened === undefined) return;
      await opened.catch(() => undefined);
      await ahead.close().catch(() => undefined);
      await rm(join(own, "lease.json"), { force: true });
      await rmdir(own).catch(() => undefined);
      await rmdir(root).catch(() => undefined);
    },
  };
}

/** A second name keeps the content when the file is removed or replaced; where that is impossible, the path has to do. */
async function linkOrRefer(from: string, to: string): Promise<void> {
  const { dev } = await stat(from);
  const target = await stat(join(to, ".."));
  if (dev === target.dev) await linkOrCopy(from, to);
}
