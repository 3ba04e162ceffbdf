/**
 * When a file's writer has finished with it. Nobody says so on a file system, so it is told from what can be seen:
 *
 *   renamed into place   it appeared with content and nothing was written since (Linux tells the two apart), or its last
 *                        change was not to its content (`ctime` is later than `mtime`): finished at once
 *   written in place     size and time of change stayed the same for `settleMs`
 *
 * A writer that pauses longer than that is taken for finished; the upload refuses a file that changes meanwhile, and a later
 * change becomes a new version.
 */
import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FolderFile } from "./read-folder.ts";

export interface Settling {
  /** Something happened to the file. */
  seen: (relative: string) => void;
  /** Its name appeared, by being created or moved there. */
  appeared: (relative: string) => void;
  /** It was written to. */
  written: (relative: string) => void;
  gone: (relative: string) => void;
  /** Nobody told of it: finished when its time of change is `settleMs` ago, and otherwise like any other. */
  missed: (relative: string) => Promise<void>;
  /** Resolves when every look under way has ended; answers the files that were not finished. */
  close: () => Promise<string[]>;
}

export interface SettlingOptions {
  root: string;
  settleMs: number;
  onSettled: (file: FolderFile) => void;
}

/** What is written at once is told of within this time. */
const WRITTEN_WITHIN_MS = 100;

/** `told`: something has just happened to the file. `still`: nothing has since the last look. `missed`: nobody can say. */
type Occasion = "told" | "still" | "missed";

interface Waiting {
  timer?: NodeJS.Timeout;
  last?: BigIntStats;
}

export function createSettling({ root, settleMs, onSettled }: SettlingOptions): Settling {
  const waiting = new Map<string, Waiting>();
  const looks = new Set<Promise<void>>();
  /** Names that appeared and were not written to since. */
  const unwritten = new Set<string>();
  let closed = false;

  function look(relative: string, occasion: Occasion): Promise<void> {
    const looking = lookAt(relative, occasion).finally(() => looks.delete(looking));
    looks.add(looking);
    return looking;
  }

  async function lookAt(relative: string, occasion: Occasion): Promise<void> {
    const path = join(root, relative);
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    const entry = waiting.get(relative);
    if (entry === undefined || closed) return;
    if (found === undefined || !found.isFile()) {
      waiting.delete(relative);
      return;
    }
    const { last } = entry;
    const isSame = last !== undefined && last.size === found.size && last.mtimeNs === found.mtimeNs;
    const mayBeMoved = unwritten.has(relative);
    const isDone =
      (last === undefined && isMoved(found)) ||
      (occasion === "still" && isSame) ||
      (occasion === "missed" && Date.now() - Number(found.mtimeMs) >= settleMs);
    if (isDone && found.size > 0n) {
      clearTimeout(entry.timer);
      waiting.delete(relative);
      unwritten.delete(relative);
      onSettled({ path, relative, size: Number(found.size), mtimeMs: Number(found.mtimeMs) });
      return;
    }
    entry.last = found;
    clearTimeout(entry.timer);
    // An empty file is waited for by its next event, not by time.
    if (found.size === 0n) return;
    const waitMs = mayBeMoved ? Math.min(WRITTEN_WITHIN_MS, settleMs) : settleMs;
    // What was written to meanwhile has to stay the same for the whole time.
    entry.timer = setTimeout(
      () => void look(relative, !mayBeMoved || unwritten.has(relative) ? "still" : "told"),
      waitMs,
    );
  }

  return {
    seen(relative) {
      if (closed) return;
      const entry = waiting.get(relative);
      if (entry === undefined) waiting.set(relative, {});
      void look(relative, "told");
    },
    async missed(relative) {
      if (waiting.has(relative)) return;
      waiting.set(relative, {});
      await look(relative, "missed");
    },
    appeared: (relative) => void unwritten.add(relative),
    written: (relative) => void unwritten.delete(relative),
    gone(relative) {
      unwritten.delete(relative);
      clearTimeout(waiting.get(relative)?.timer);
      waiting.delete(relative);
    },
    async close() {
      closed = true;
      for (const { timer } of waiting.values()) clearTimeout(timer);
      await Promise.all(looks);
      return [...waiting.keys()];
    },
  };
}

function isMoved({ ctimeNs, mtimeNs }: BigIntStats): boolean {
  return ctimeNs > mtimeNs;
}
