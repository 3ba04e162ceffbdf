/**
 * Sends what waits in the journal: at the start of a client, in the background, and when asked. Uploads of one scene go
 * in the order they were called, different scenes beside each other. The first outage ends a pass, because everything
 * behind it would only add to the load; the next pass comes after a growing, jittered wait, or with the circuit's recovery.
 */
import { SECOND } from "../../../contract/limits.ts";
import { ageOf } from "../call-mark.ts";
import type { Config } from "../config.ts";
import { codedError, ReelsyncError, waitsForService } from "../errors.ts";
import { ofUpload, type Events } from "../events.ts";
import { retryDelayMs, type RetryPolicy } from "../resilience/retry.ts";
import type { PublishedUpload } from "../upload-request.ts";
import type { JournalRecord } from "./journal-record.ts";
import type { Journal, JournalEntry } from "./journal.ts";

export interface DrainCounts {
  /** Published in this pass. */
  sent: number;
  /** Given up on: as a dead letter when they had been acknowledged, otherwise with a cause on their row. */
  failed: number;
  /** Still waiting, for a service, for an earlier upload of their scene, or for the rollout. */
  waiting: number;
}

export interface Drainer {
  /** Something waits: send it soon. */
  wake: () => void;
  /**
   * One pass over everything, the journals of dead processes included. Cancelled, it begins nothing more: what is being
   * sent is sent to its end, and what the background may send is left to it.
   */
  drain: (signal?: AbortSignal) => Promise<DrainCounts>;
  /** Resolves once what was left by dead processes is known. */
  ready: () => Promise<void>;
  /** Ends what is being sent; it stays in the journal. */
  close: () => Promise<void>;
}

/** Whether the background may send an entry, or only somebody who asks for it, or nobody. */
export type MaySend = "now" | "asked" | "never";

export interface DrainerOptions {
  journal: Journal;
  /** Sends one entry through the line. `comesBack` says after which errors it stays in the journal. */
  send: (
    entry: JournalEntry,
    comesBack: (error: ReelsyncError) => boolean,
    signal: AbortSignal,
  ) => Promise<PublishedUpload>;
  maySend: (entry: JournalEntry) => Promise<MaySend>;
  life: Pick<Config["journal"], "maxAgeMs" | "maxAttempts">;
  policy: RetryPolicy;
  events: Events;
  warn: (about: string, error: unknown) => void;
  /** An error's text without secrets. */
  textOf: (error: Error) => string;
}

const SCENES_AT_ONCE = 4;
/** Other processes' journals are looked at this often, so that one that dies is taken over without a restart. */
const LOOK_AROUND_MS = 30 * SECOND;

export function createDrainer(options: DrainerOptions): Drainer {
  const { journal, send, maySend, life, policy, events, warn, textOf } = options;
  const closing = new AbortController();
  let passes: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let fruitless = 0;

  const first = journal.takeOver().then(
    () => wake(),
    (error: unknown) => warn("looking for earlier journals", error),
  );
  const look = setInterval(() => {
    journal.takeOver().then(
      (found) => found > 0 && wake(),
      (error: unknown) => warn("looking for other journals", error),
    );
  }, LOOK_AROUND_MS).unref();
  const stop = events.on((event) => {
    const isBack = event.type === "breaker.changed" && event.to.kind === "closed";
    if (!isBack && event.type !== "rollout.changed") return;
    fruitless = 0;
    // Sooner than the wait that the outage has grown.
    clearTimeout(timer);
    timer = undefined;
    wake();
  });

  function comesBack({ record }: JournalEntry, error: ReelsyncError): boolean {
    if (record === undefined || !waitsForService(error)) return false;
    // Ending because the client is closed says nothing about the services.
    if (closing.signal.aborted) return true;
    return record.attempts + 1 < life.maxAttempts && ageOfRecord(record) < life.maxAgeMs;
  }

  async function sendOne(entry: JournalEntry): Promise<"sent" | "failed" | "waiting"> {
    const { correlationId } = ofUpload(entry.record?.intent ?? entry);
    try {
      const { uploadId, assetId, version } = await send(
        entry,
        (error) => comesBack(entry, error),
        closing.signal,
      );
      events.emit({ type: "journal.sent", uploadId, correlationId, assetId, version });
      return "sent";
    } catch (error) {
      const coded = codedError(error);
      // Given up on, but this machine's disk did not take its dead letter.
      const isKept = journal.holds(entry);
      if (!comesBack(entry, coded) && !isKept) return "failed";
      if (!closing.signal.aborted) {
        await entry.noteFailure(coded.code).catch((fault: unknown) => warn("noting a failed attempt", fault));
      }
      const { code } = coded;
      const message = textOf(coded);
      events.emit({ type: "journal.waiting", uploadId: entry.uploadId, correlationId, code, message });
      return "waiting";
    }
  }

  /** `asked`: what is kept for the end of the run goes, too. */
  async function pass(asked: boolean, signal?: AbortSignal): Promise<DrainCounts & { held: number }> {
    await first;
    const fault = await journal.takeOver().then(
      () => undefined,
      (error: unknown) => unlooked(error),
    );
    const counts: DrainCounts = { sent: 0, failed: 0, waiting: 0 };
    const scenes = byScene(journal.waiting()).values();
    const outage = new AbortController();
    let held = 0;
    const worker = async () => {
      for (const scene of scenes) {
        for (const [index, entry] of scene.entries()) {
          if (outage.signal.aborted || closing.signal.aborted || signal?.aborted) return;
          const may = await maySend(entry);
          if (may === "never" || (may === "asked" && !asked)) {
            held += scene.length - index;
            break;
          }
          const outcome = await sendOne(entry);
          if (outcome === "waiting") outage.abort();
          else counts[outcome] += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: SCENES_AT_ONCE }, worker));
    counts.waiting = journal.waiting().length;
    fruitless = outage.signal.aborted ? fruitless + 1 : 0;
    // Who asks may not hear that nothing waits, when nobody could look.
    if (fault !== undefined && asked) throw fault;
    if (fault !== undefined) warn("looking for other journals", fault);
    return { ...counts, held };
  }

  /** One pass at a time, however many ask. */
  function next(asked: boolean, signal?: AbortSignal): Promise<DrainCounts & { held: number }> {
    const result = passes.then(() => pass(asked, signal));
    passes = result.catch(() => undefined);
    return result;
  }

  async function drain(signal?: AbortSignal): Promise<DrainCounts> {
    const asked = next(true, signal);
    const { held: _held, ...counts } = await (signal === undefined ? asked : unlessAborted(asked, signal));
    return counts;
  }

  /** Whoever asked is not kept waiting; the pass ends by itself. */
  function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(cancelled(signal.reason));
        void work.then(wake, () => undefined);
      };
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
    });
  }

  function wake(): void {
    if (timer !== undefined || closing.signal.aborted || journal.waiting().length === 0) return;
    const delayMs = fruitless === 0 ? 0 : retryDelayMs(policy, Math.min(fruitless, 20));
    timer = setTimeout(() => {
      timer = undefined;
      next(false).then(
        // What the rollout holds is woken by its change.
        ({ waiting, held }) => waiting > held && wake(),
        (error: unknown) => warn("draining the journal", error),
      );
    }, delayMs).unref();
  }

  return {
    wake,
    drain,
    ready: () => first,
    async close() {
      clearTimeout(timer);
      clearInterval(look);
      stop();
      closing.abort(new ReelsyncError("DEADLINE_EXCEEDED", "The client was closed meanwhile"));
      await first;
      await passes;
    },
  };
}

/** A full disk takes over nothing, because its new owner's lease has no room there. */
function unlooked(error: unknown): ReelsyncError {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT"
    ? new ReelsyncError("JOURNAL_FULL", `The journal's disk has no room for its owner: ${message}`, {
        cause: error,
      })
    : codedError(error);
}

function cancelled(reason: unknown): ReelsyncError {
  if (reason instanceof ReelsyncError) return reason;
  return new ReelsyncError("ABORTED", "The drain was cancelled, and what waits is kept", { cause: reason });
}

/** By running clocks: setting the time of day forward ends nobody's life. */
function ageOfRecord({ madeAt, createdAt }: JournalRecord): number {
  return madeAt === undefined ? Date.now() - createdAt : ageOf(madeAt);
}

function byScene(entries: readonly JournalEntry[]): Map<string, JournalEntry[]> {
  const scenes = new Map<string, JournalEntry[]>();
  for (const entry of entries) {
    const id = entry.record?.intent.entityId ?? "";
    scenes.set(id, [...(scenes.get(id) ?? []), entry]);
  }
  return scenes;
}
