/** [G1] What an agent was told: an acknowledgement holds byte for byte, and a failure that can be helped leaves a letter. */
import type { Acknowledged, Queued, Rejected } from "./diary.ts";
import { isCommitted, type Evidence, type Violation } from "./evidence.ts";
import { hasRoom, slotOf } from "./schedule.ts";

export function checkPromises(evidence: Evidence): Violation[] {
  return [
    ...evidence.acked.flatMap((acked) => faultsOfAck(evidence, acked)),
    ...evidence.queued.flatMap((queued) => faultsOfQueued(evidence, queued)),
    ...evidence.rejected.flatMap((rejected) => faultsOfRejection(evidence, rejected)),
  ].map(([check, what]) => ({ guarantee: "G1", check, what }));
}

type Fault = [check: string, what: string];

function faultsOfAck(evidence: Evidence, acked: Acknowledged): Fault[] {
  const name = `wish ${acked.wish}, acknowledged as ${acked.assetId} version ${acked.version}`;
  const wish = evidence.wish(acked.wish);
  const row = evidence.asset(acked.assetId);
  if (wish === undefined) return [["ack-unasked", `${name}: nobody asked for it`]];
  if (row === undefined) return [["ack-lost", `${name}: has no record`]];
  const sha256 = evidence.sha256Of(wish);
  const faults: Fault[] = [];
  if (!isCommitted(row)) faults.push(["ack-lost", `${name}: its record is ${row.status}`]);
  if (row.checksum !== sha256 || row.size !== wish.size || acked.sha256 !== sha256) {
    faults.push(["ack-content", `${name}: record or answer name other content`]);
  }
  if (row.version !== acked.version || row.s3Key !== acked.s3Key) {
    faults.push(["ack-differs", `${name}: its record is version ${row.version} at ${row.s3Key}`]);
  }
  if (!evidence.slots.get(slotOf(wish))?.includes(row)) {
    faults.push(["ack-place", `${name}: its record is not in ${slotOf(wish)}`]);
  }
  const object = evidence.object(acked.s3Key);
  if (object?.sha256 !== sha256) {
    faults.push([
      "ack-bytes",
      `${name}: ${object === undefined ? "no object" : "other bytes"} at ${acked.s3Key}`,
    ]);
  }
  return faults;
}

/** Waiting is over: it is recorded byte for byte, or a letter says why not, or what was damaged on purpose was set aside. */
function faultsOfQueued(evidence: Evidence, { wish: id, uploadId, sha256 }: Queued): Fault[] {
  const { found, damaged } = evidence;
  const name = `wish ${id}, queued as ${uploadId}`;
  const wish = evidence.wish(id);
  const row = evidence.assetOf(uploadId);
  if (wish === undefined) return [["ack-unasked", `${name}: nobody asked for it`]];
  if (row !== undefined && isCommitted(row)) {
    const expected = evidence.sha256Of(wish);
    const whole = row.checksum === expected && sha256 === expected && row.size === wish.size;
    const stored = evidence.object(row.s3Key)?.sha256 === expected;
    return whole && stored ? [] : [["queued-bytes", `${name}: ${row._id} is other content`]];
  }
  const hasLetter =
    found.letters.some((letter) => letter.uploadId === uploadId && letter.code !== "") ||
    found.spooled.some((letter) => letter.uploadId === uploadId);
  const isAside = damaged.has(uploadId) && found.journal.quarantined.some((one) => one.startsWith(uploadId));
  if (hasLetter || isAside) return [];
  return [
    ["queued-lost", `${name}: neither recorded nor a dead letter (its row is ${row?.status ?? "none"})`],
  ];
}

/** What the SDK says it does not park: nothing was accepted yet, or the call is wrong in itself. */
function mayVanish({ retryable, step, code }: Rejected): boolean {
  return !retryable || step === "file" || code === "TOKEN_EXPIRED";
}

function faultsOfRejection(evidence: Evidence, rejected: Rejected): Fault[] {
  const { wish, via, letter, code, step } = rejected;
  const { found, schedule } = evidence;
  const name = `wish ${wish}, rejected with ${code} at ${step ?? "no step"}`;
  if (letter === undefined) {
    const lost = via === "upload" && !mayVanish(rejected) && hasRoom(schedule);
    return lost ? [["no-letter", `${name}: no dead letter`]] : [];
  }
  const told = found.letters.some(({ uploadId }) => uploadId === letter.id);
  const waits = found.spooled.some(({ uploadId }) => uploadId === letter.id);
  // A replay that succeeded forgets what was only on the disk.
  const settled = found.calls.some(
    ({ uploadId, assetId }) => uploadId === letter.id && isCommitted(evidence.asset(assetId)),
  );
  if (letter.delivered ? told : told || waits || settled) return [];
  return [["letter-lost", `${name}: its letter ${letter.id} is neither recorded nor on disk`]];
}
