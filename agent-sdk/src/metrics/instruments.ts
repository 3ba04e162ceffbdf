/** Every metric there is, with its name, its help, its labels and its buckets. */
import type * as PromClient from "prom-client";
import { KIB } from "../../../contract/limits.ts";
import type { Reelsync } from "../client.ts";

const BREAKER_STATES = ["closed", "open", "halfOpen"] as const;

/** From a small record on a fast network to the longest call there is by default. */
const DURATION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
/** 4 KiB, then eight times as much each, to 8 GiB. */
const SIZE_BUCKETS = Array.from({ length: 8 }, (_, power) => 4 * KIB * 8 ** power);

/** What is read at the moment it is asked for. */
export interface Readings {
  concurrent: () => number;
  breakers: () => Reelsync["breakers"];
  journalDepth: () => number;
  journalOldestSeconds: () => number;
  secondsSinceCommit: () => number;
}

export function createInstruments(
  { Counter, Gauge, Histogram, Registry }: typeof PromClient,
  readings: Readings,
) {
  const registry = new Registry();
  const registers = [registry];

  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("reelsync_concurrent_operations", "Uploads under way.", readings.concurrent);
  gauge("reelsync_journal_depth", "Uploads that wait in the journal.", readings.journalDepth);
  gauge(
    "reelsync_journal_oldest_age_seconds",
    "How long the oldest upload of the journal has waited; 0 when none does.",
    readings.journalOldestSeconds,
  );
  gauge(
    "reelsync_seconds_since_last_commit",
    "Time since a record was last committed; NaN before the first.",
    readings.secondsSinceCommit,
  );
  new Gauge({
    name: "reelsync_circuit_breaker_state",
    help: "1 for the state the circuit breaker of the service is in.",
    labelNames: ["dependency", "state"],
    registers,
    collect() {
      for (const [dependency, { kind }] of Object.entries(readings.breakers())) {
        for (const state of BREAKER_STATES) this.set({ dependency, state }, state === kind ? 1 : 0);
      }
    },
  });

  return {
    registry,
    uploadDuration: new Histogram({
      name: "reelsync_upload_duration_seconds",
      help: "How long uploads took, from their call to their outcome.",
      labelNames: ["outcome"],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    syncDuration: new Histogram({
      name: "reelsync_sync_duration_seconds",
      help: "How long it took from the last byte in S3 to the record in Convex.",
      buckets: DURATION_BUCKETS,
      registers,
    }),
    assetSize: new Histogram({
      name: "reelsync_asset_size_distribution_bytes",
      help: "Sizes of published assets.",
      buckets: SIZE_BUCKETS,
      registers,
    }),
    attempts: new Counter({
      name: "reelsync_upload_attempts_total",
      help: "Uploads attempted, those sent again from the journal included: what error_rate is divided by.",
      registers,
    }),
    errors: new Counter({
      name: "reelsync_upload_errors_total",
      help: "Upload attempts that failed, by code and by the step that failed; `drain` when sent from the journal. With those queued, error_rate.",
      labelNames: ["code", "step"],
      registers,
    }),
    queued: new Counter({
      name: "reelsync_uploads_queued_total",
      help: "Uploads answered `queued`, by what stopped them: during an outage these are the attempts that failed.",
      labelNames: ["code"],
      registers,
    }),
    skipped: new Counter({
      name: "reelsync_uploads_skipped_total",
      help: "Uploads answered `skipped`, because the rollout stage is `off`. No attempts: nothing was tried.",
      registers,
    }),
    retries: new Counter({
      name: "reelsync_retries_total",
      help: "Requests and steps repeated, by service and cause.",
      labelNames: ["dependency", "code"],
      registers,
    }),
    deadLetters: new Counter({
      name: "reelsync_dead_letters_total",
      help: "Uploads given up on and parked, by cause.",
      labelNames: ["code"],
      registers,
    }),
  };
}
