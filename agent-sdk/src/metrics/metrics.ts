/**
 * A client's numbers for Prometheus, taken from what it tells its listeners and from the state it shows, in a registry of
 * their own. Labels come from closed lists (codes, steps, services), never from ids or names, so their number is bounded.
 */
import type { Registry } from "prom-client";
import { SECOND } from "../../../contract/limits.ts";
import type { Reelsync } from "../client.ts";
import type { ReelsyncEvent } from "../events.ts";
import { createInstruments } from "./instruments.ts";

export interface Metrics {
  /** To merge with one's own, or to add to. */
  readonly registry: Registry;
  /** All of them in Prometheus' text format; serve it as `contentType`. */
  text: () => Promise<string>;
  readonly contentType: string;
  /** Stops listening. */
  close: () => void;
}

/** What is remembered of an upload while it is under way. */
interface UnderWay {
  startedAt: number;
  size?: number;
  storedAt?: number;
}

export async function createMetrics(
  reelsync: Pick<Reelsync, "on" | "breakers" | "journal">,
): Promise<Metrics> {
  const underWay = new Map<string, UnderWay>();
  let lastCommitAt: number | undefined;
  // Loaded by those who measure alone.
  const instruments = createInstruments(await import("prom-client"), {
    concurrent: () => underWay.size,
    breakers: () => reelsync.breakers,
    journalDepth: () => reelsync.journal.waiting,
    journalOldestSeconds() {
      const { oldestAt } = reelsync.journal;
      return oldestAt === undefined ? 0 : Math.max(0, Date.now() - oldestAt) / SECOND;
    },
    secondsSinceCommit: () => (lastCommitAt === undefined ? NaN : secondsSince(lastCommitAt)),
  });

  function end(uploadId: string, outcome: "published" | "failed" | "queued"): UnderWay | undefined {
    const upload = underWay.get(uploadId);
    underWay.delete(uploadId);
    // Refused before it was started: an attempt all the same.
    if (upload === undefined) instruments.attempts.inc();
    else instruments.uploadDuration.observe({ outcome }, secondsSince(upload.startedAt));
    return upload;
  }

  function note(event: ReelsyncEvent): void {
    switch (event.type) {
      case "upload.started":
        instruments.attempts.inc();
        underWay.set(event.uploadId, { startedAt: performance.now() });
        return;
      case "upload.hashed":
        remember(event.uploadId, { size: event.size });
        return;
      case "upload.stored":
        remember(event.uploadId, { storedAt: performance.now() });
        return;
      case "upload.finished": {
        const upload = end(event.uploadId, "published");
        lastCommitAt = performance.now();
        if (upload?.size !== undefined) instruments.assetSize.observe(upload.size);
        if (upload?.storedAt !== undefined) instruments.syncDuration.observe(secondsSince(upload.storedAt));
        return;
      }
      case "upload.failed":
        end(event.uploadId, "failed");
        instruments.errors.inc({ code: event.code, step: event.step });
        return;
      case "upload.queued":
        end(event.uploadId, "queued");
        instruments.queued.inc({ code: event.code });
        return;
      case "upload.skipped":
        instruments.skipped.inc();
        return;
      case "journal.waiting":
        underWay.delete(event.uploadId);
        instruments.errors.inc({ code: event.code, step: "drain" });
        return;
      case "retry":
        instruments.retries.inc({ dependency: event.dependency, code: event.code });
        return;
      case "deadLetter.parked":
        instruments.deadLetters.inc({ code: event.code });
        return;
      default:
    }
  }

  function remember(uploadId: string, facts: Partial<UnderWay>): void {
    const upload = underWay.get(uploadId);
    if (upload !== undefined) Object.assign(upload, facts);
  }

  const { registry } = instruments;
  return {
    registry,
    text: () => registry.metrics(),
    contentType: registry.contentType,
    close: reelsync.on(note),
  };
}

function secondsSince(at: number): number {
  return (performance.now() - at) / SECOND;
}
