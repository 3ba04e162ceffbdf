/** Decides what goes wrong with which request. By name and number of the request, so that two runs of a seed spoil the same ones. */
import type { DoorName, Exchange } from "./exchange.ts";
import { seededRandom } from "./random.ts";
import type { FaultKind, Schedule, TimedEvent } from "./schedule.ts";

export interface Fault {
  kind: FaultKind;
  /** For what happens later. */
  afterMs: number;
}

export interface FaultPlan {
  /** What is to be done to this exchange, and what happens in the world when it arrives. */
  meet: (exchange: Exchange) => { fault: Fault | undefined; events: TimedEvent[] };
  /** From now on nothing goes wrong. */
  end: () => void;
  readonly counts: Record<string, number>;
}

/** A body cut in half says nothing where there is none, and a token is worth no duplicate. */
const FITTING: Record<DoorName, (kind: FaultKind) => boolean> = {
  s3: () => true,
  convex: () => true,
  token: (kind) => kind !== "cutRequest" && kind !== "ghost" && kind !== "duplicate",
};

export function createFaultPlan({ seed, faults, events }: Schedule): FaultPlan {
  const occurrences = new Map<string, number>();
  const counts: Record<string, number> = {};
  let exchanges = 0;
  let active = true;

  const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);

  return {
    counts,
    end() {
      active = false;
    },
    meet({ door, operation }) {
      if (!active) return { fault: undefined, events: [] };
      exchanges += 1;
      const occurrence = (occurrences.get(operation) ?? 0) + 1;
      occurrences.set(operation, occurrence);
      const random = seededRandom("fault", seed, door, operation, occurrence);
      const kinds = faults.kinds.filter(FITTING[door]);
      const due = events.filter(({ atExchange }) => atExchange === exchanges);
      for (const { kind } of due) count(kind);
      if (kinds.length === 0 || !random.chance(faults.rate)) return { fault: undefined, events: due };
      const kind = random.pick(kinds);
      count(`${door} ${kind}`);
      return { fault: { kind, afterMs: random.int(1, 400) }, events: due };
    },
  };
}
