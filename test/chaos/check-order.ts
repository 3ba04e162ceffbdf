/** [G3] Where calls for one slot followed one another, the last that was acknowledged is what the slot holds. */
import type { Acknowledged } from "./diary.ts";
import type { Asset, Evidence, Violation } from "./evidence.ts";
import { slotOf, type Wish } from "./schedule.ts";

export interface OrderReport {
  violations: Violation[];
  /** Slots where the replay of a letter that had never begun came after newer content, and so counts as the newest wish. */
  overtakenByReplay: number;
}

export function checkOrder(evidence: Evidence): OrderReport {
  const report: OrderReport = { violations: [], overtakenByReplay: 0 };
  const { schedule, slots } = evidence;
  if (schedule.racing) return report;
  const lanes = new Map<string, Wish[]>();
  for (const wish of schedule.wishes) lanes.set(slotOf(wish), [...(lanes.get(slotOf(wish)) ?? []), wish]);
  for (const [slot, lane] of lanes) {
    judge(evidence, slot, lane, slots.get(slot) ?? [], report);
    report.violations.push(...faultsOfRepeats(evidence, slot, lane));
  }
  return report;
}

function judge(evidence: Evidence, slot: string, lane: Wish[], rows: Asset[], report: OrderReport): void {
  const last = lane.findLastIndex(({ id }) => ackOf(evidence, id) !== undefined);
  const lastWish = lane[last];
  if (lastWish === undefined) return;
  const ack = ackOf(evidence, lastWish.id);
  const current = rows.find(({ status }) => status === "ready");
  const add = (check: string, what: string) =>
    report.violations.push({ guarantee: "G3", check, what: `${slot}: ${what}` });
  if (ack === undefined || current === undefined) {
    add("nothing-current", "calls were acknowledged and nothing is current");
  } else if (current.version < ack.version) {
    add("newest-lost", `version ${current.version} is current, ${ack.version} was acknowledged last`);
  } else if (current.version > ack.version) {
    const later = lane.slice(last + 1).some((wish) => evidence.sha256Of(wish) === current.checksum);
    if (later) return;
    if (wasParked(evidence, current)) report.overtakenByReplay += 1;
    else add("newest-replaced", `version ${current.version} with older content replaced ${ack.version}`);
  }
}

/** The last one: a replay comes after the call it repeats. */
function ackOf({ acked }: Evidence, wish: number): Acknowledged | undefined {
  return acked.findLast((entry) => entry.wish === wish);
}

function wasParked({ found, rejected }: Evidence, row: Asset): boolean {
  const calls = found.calls.filter(({ assetId }) => assetId === row._id).map(({ uploadId }) => uploadId);
  return rejected.some(({ letter }) => letter !== undefined && calls.includes(letter.id));
}

/** While nothing before it failed, asking for what the slot holds changes nothing. */
function faultsOfRepeats(evidence: Evidence, slot: string, lane: Wish[]): Violation[] {
  const { entries, acked } = evidence;
  const violations: Violation[] = [];
  for (const [at, wish] of lane.entries()) {
    if (entries.filter((entry) => entry.kind === "called" && entry.wish === wish.id).length !== 1) break;
    const ack = acked.find((entry) => entry.wish === wish.id && entry.via === "upload");
    if (ack === undefined) break;
    const before = lane[at - 1];
    if (before?.content !== wish.content) continue;
    const first = acked.find((entry) => entry.wish === before.id);
    if (first?.assetId !== ack.assetId || !ack.deduped) {
      violations.push({
        guarantee: "G3",
        check: "repeat",
        what: `${slot}: the same content became version ${ack.version}`,
      });
    }
  }
  return violations;
}
