/** Uploads the rollout keeps for the end of the run: which entries of the journal may go now, and when the run ends. */
import type { Drainer, MaySend } from "../journal/drainer.ts";
import type { Journal, JournalEntry } from "../journal/journal.ts";
import type { Rollout } from "./rollout.ts";

export async function maySend(rollout: Rollout, { record }: JournalEntry): Promise<MaySend> {
  const { entityType = "scene", entityId = "" } = record?.intent ?? {};
  const { stage } = await rollout.scopeOf({ entityType, entityId });
  if (stage === "off") return "never";
  return stage === "end-of-run" ? "asked" : "now";
}

export interface RunEnd {
  /**
   * Sends what was kept for this moment, uploads under way (`last`) included, until the signal says to wait no longer;
   * what is left stays in the journal.
   */
  reached: (signal?: AbortSignal, last?: Promise<unknown>) => Promise<void>;
}

export function createRunEnd(rollout: Rollout, journal: Journal, drainer: Drainer): RunEnd {
  async function holdsSome(): Promise<boolean> {
    for (const entry of journal.waiting()) if ((await maySend(rollout, entry)) === "asked") return true;
    return false;
  }
  return {
    async reached(signal, last) {
      const stopped = new Promise<void>((resolve) => {
        if (signal?.aborted) resolve();
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
      const send = async () => {
        await drainer.ready();
        await last;
        if (await holdsSome()) await drainer.drain();
      };
      await Promise.race([send(), stopped]);
    },
  };
}
