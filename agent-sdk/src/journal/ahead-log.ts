/**
 * Entries of single-request uploads while nobody was answered yet: one append-only file instead of a folder for each,
 * because for a small file the folder costs more than everything else the agent does for it (measured: 1.6 of 3.7 ms of
 * CPU). What is noted while one write is under way goes with the next, so a thousand uploads are a few dozen writes.
 *
 *   {JournalRecord}\n     before the upload is begun
 *   -{uploadId}\n         it is over, or has a folder of its own by now
 *
 * Nothing is synced: like any entry that was not acknowledged it provides for the death of the process only. The file is
 * emptied whenever nothing in it is alive, and written anew when most of it is dead.
 */
import { open, readFile, rm, type FileHandle } from "node:fs/promises";
import { MIB } from "../../../contract/limits.ts";
import { writeWhole } from "./durable-file.ts";

export interface AheadLog {
  /** When this resolves the record outlives the process. */
  note: (uploadId: string, record: object) => Promise<void>;
  forget: (uploadId: string) => Promise<void>;
  /** Removes the file unless something in it is alive. */
  close: () => Promise<void>;
}

/** A file shorter than this is not worth writing anew. */
const COMPACT_FROM = MIB;

export function createAheadLog(path: string): AheadLog {
  const alive = new Map<string, string>();
  let unwritten: string[] = [];
  let file: FileHandle | undefined;
  let length = 0;
  /** After a write that failed nobody knows how the file ends. */
  let spoiled = false;
  let under: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;

  async function write(): Promise<void> {
    const text = unwritten.join("");
    unwritten = [];
    try {
      if (alive.size === 0 && !spoiled) {
        await file?.truncate(0);
        length = 0;
        return;
      }
      const living = [...alive.values()];
      const whole = spoiled || length + text.length > COMPACT_FROM ? living.join("") : "";
      if (spoiled || (whole !== "" && whole.length * 2 < length + text.length)) {
        await file?.close();
        file = undefined;
        await writeWhole(path, whole, { synced: false });
        length = whole.length;
      } else {
        file ??= await open(path, "a", 0o600);
        await file.appendFile(text);
        length += text.length;
      }
      spoiled = false;
    } catch (error) {
      spoiled = true;
      throw error;
    }
  }

  /** Resolves once everything noted so far is in the file. */
  function written(): Promise<void> {
    if (next === undefined) {
      const group = under.then(() => {
        next = undefined;
        return write();
      });
      next = group;
      under = group.catch(() => undefined);
    }
    return next;
  }

  return {
    async note(uploadId, record) {
      const line = `${JSON.stringify(record)}\n`;
      alive.set(uploadId, line);
      unwritten.push(line);
      try {
        await written();
      } catch (error) {
        alive.delete(uploadId);
        throw error;
      }
    },
    async forget(uploadId) {
      if (!alive.delete(uploadId)) return;
      unwritten.push(`-${uploadId}\n`);
      await written();
    },
    async close() {
      await under;
      await file?.close();
      file = undefined;
      if (alive.size === 0) await rm(path, { force: true });
    },
  };
}

/** What is alive in a log, by its text. `torn`: a line in it, other than the last one, cannot be read. */
export async function readAheadLog<Entry extends { intent: { uploadId: string } }>(
  path: string,
  parse: (text: string) => Entry | undefined,
): Promise<{ alive: Entry[]; torn: boolean }> {
  const alive = new Map<string, Entry>();
  let torn = false;
  // What follows the last newline is empty or torn, and was promised to nobody.
  for (const line of (await readFile(path, "utf8")).split("\n").slice(0, -1)) {
    if (line.startsWith("-")) {
      alive.delete(line.slice(1));
      continue;
    }
    const entry = parse(line);
    if (entry === undefined) torn = true;
    else alive.set(entry.intent.uploadId, entry);
  }
  return { alive: [...alive.values()], torn };
}

export const isAheadLog = (name: string): boolean => name.startsWith("ahead") && name.endsWith(".log");
