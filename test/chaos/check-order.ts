/** [G3] Where calls for one slot followed one another, the last that was acknowledged is what the slot holds. */
import { isCommitted, type Asset, type Evidence, type Violation } from "./evidence.ts";
import { slotOf, type Wish } from "./schedule.ts";

export function checkOrder(evidence: Evidence): Violation[] {
  const { schedule, slots } = evidence;
  if (schedule.racing) return [];
  const lanes = new Map<string, Wish[]>();
  for (const wish of schedule.wishes) lanes.set(slotOf(wish), [...(lanes.get(slotOf(wish)) ?? []), wish]);
  return [...lanes].flatMap(([slot, lane]) => [
    ...faultsOfLane(evidence, slot, lane, slots.get(slot) ?? []),
    ...faultsOfRepeats(evidence, slot, lane),
  ]);
}

function faultsOfLane(evidence: Evidence, slot: string, lane: Wish[], rows: Asset[]): Violation[] {
  const last = lane.findLastIndex(({ id }) => recordOf(evidence, id) !== undefined);
  const wish = lane[last];
  if (wish === undefined) return [];
  const record = recordOf(evidence, wish.id);
  const current = rows.find(({ status }) => status === "ready");
  const fault = (check: string, what: string): Violation[] => [
    { guarantee: "G3", check, what: `${slot}: ${what}` },
  ];
  if (current === undefined)
    return fault("nothing-current", "calls were acknowledged and nothing is current");
  if (current._id === record?._id) return [];
  // A later call nobody got an answer to may have been recorded all the same, and so may the same one made again.
  if (lane.slice(last).some((later) => evidence.sha256Of(later) === current.checksum)) return [];
  return fault("newest-lost", `wish ${wish.id} was acknowledged last, version ${current.version} is current`);
}

/** What an acknowledged call led to; undefined for one that is a dead letter, or was never acknowledged. */
function recordOf({ acked, queued, asset, assetOf }: Evidence, wish: number): Asset | undefined {
  const ack = acked.findLast((entry) => entry.wish === wish);
  if (ack !== undefined) return asset(ack.assetId);
  const row = queued.filter((entry) => entry.wish === wish).map(({ uploadId }) => assetOf(uploadId));
  return row.findLast(isCommitted);
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
