/**
 * When a call was made, kept so that any later process can tell the deployment. Never by the time of day: two machines
 * do not agree on it, and it is set back. A mark is what this machine's running clocks showed; an age is their difference.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import * as z from "zod";
import type { CallMade } from "../../contract/asset.ts";
import { SECOND } from "../../contract/limits.ts";

export const callMarkSchema = z.object({
  /** Which running clock `tick` was read from: that of one start of one system. */
  clock: z.string().min(1),
  /** Milliseconds, the same for all processes of the machine. Stands still while it sleeps. */
  tick: z.number(),
  /** Coarse, and goes on while the machine sleeps. */
  uptimeMs: z.number(),
  /** For what the others cannot tell: an age across a restart of the machine. */
  wallMs: z.number(),
});
export type CallMark = z.infer<typeof callMarkSchema>;

/** How far apart the two running clocks may read without the machine having slept. */
const COARSE_MS = SECOND;

export function markCall(): CallMark {
  const wallMs = Date.now();
  return {
    clock: runningClock(),
    tick: Number(process.hrtime.bigint()) / 1e6,
    uptimeMs: uptimeAt(wallMs),
    wallMs,
  };
}

export function ageOf(mark: CallMark, now = markCall()): number {
  if (mark.clock !== now.clock) return Math.max(0, now.wallMs - mark.wallMs);
  const byTick = now.tick - mark.tick;
  const byUptime = now.uptimeMs - mark.uptimeMs;
  return Math.max(0, byUptime > byTick + COARSE_MS ? byUptime : byTick);
}

/**
 * The same, saying when its call was made. The age is measured each time it is sent, however long it was held back and
 * however often it is repeated.
 */
export function dateCall<Said extends object>(
  said: Said,
  mark: CallMark | undefined,
): Said & { readonly made?: CallMade } {
  if (mark === undefined) return said;
  return {
    ...said,
    get made() {
      return { ageMs: ageOf(mark), clock: mark.clock, tick: mark.tick };
    },
  };
}

/** Far below what counts as sleep. */
const UPTIME_GOOD_FOR_MS = 50;
let uptimeRead: { wallMs: number; uptimeMs: number } | undefined;

/** Reading it costs more than all else about a mark (measured: 45 µs). The time of day tells when to, as it jumps after a sleep. */
function uptimeAt(wallMs: number): number {
  if (uptimeRead === undefined || Math.abs(wallMs - uptimeRead.wallMs) > UPTIME_GOOD_FOR_MS) {
    uptimeRead = { wallMs, uptimeMs: uptime() * SECOND };
  }
  return uptimeRead.uptimeMs;
}

let clock: string | undefined;

/** Linux names its boot, so that a later process reads on where this one stopped. Elsewhere each process has its own. */
function runningClock(): string {
  try {
    return (clock ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  } catch {
    return (clock = randomUUID());
  }
}
