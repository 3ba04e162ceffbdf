/** [G3] Each call has one effect: versions in order, one current version, letters that say what happened. */
import { isCommitted, isUnhashed, type Asset, type Evidence, type Violation } from "./evidence.ts";

export function checkEffects(evidence: Evidence): Violation[] {
  const faults = [...evidence.slots].flatMap(([slot, rows]) => [
    ...faultsOfVersions(slot, rows),
    ...faultsOfContent(evidence, slot, rows),
  ]);
  faults.push(...faultsOfCalls(evidence), ...faultsOfLetters(evidence));
  return faults.map(([check, what]) => ({ guarantee: "G3", check, what }));
}

type Fault = [check: string, what: string];

function faultsOfVersions(slot: string, rows: Asset[]): Fault[] {
  const faults: Fault[] = [];
  const versions = rows.map(({ version }) => version);
  if (new Set(versions).size < versions.length || versions.some((version) => version < 1)) {
    faults.push(["versions", `${slot}: versions ${versions.join(", ")}`]);
  }
  const committed = rows.filter(isCommitted);
  const ready = rows.filter(({ status }) => status === "ready");
  if (ready.length > 1) faults.push(["two-ready", `${slot}: ${ready.length} rows are ready`]);
  if (committed.length > 0 && ready.length === 0) {
    faults.push(["none-ready", `${slot}: ${committed.length} versions are committed and none is current`]);
  }
  // All agents run on one machine, so its running clock tells the order of their calls exactly.
  const tick = (row: Asset) => row.wish?.tick ?? 0;
  const newest = committed.reduce(
    (latest, row) => (latest === undefined || tick(row) > tick(latest) ? row : latest),
    committed[0],
  );
  if (newest !== undefined && newest.status !== "ready" && ready.length === 1) {
    faults.push(["old-current", `${slot}: version ${newest.version} was asked for last and is not current`]);
  }
  return faults;
}

function faultsOfContent({ schedule, sha256Of, found }: Evidence, slot: string, rows: Asset[]): Fault[] {
  const wished = new Set(schedule.wishes.map(sha256Of));
  const faults: Fault[] = [];
  for (const row of rows) {
    const isAsked = isUnhashed(row)
      ? schedule.wishes.some(({ size }) => size === row.size)
      : wished.has(row.checksum);
    if (!isAsked) faults.push(["unasked", `${slot}: nobody asked for ${row._id}`]);
    if (!found.calls.some(({ assetId }) => assetId === row._id)) {
      faults.push(["no-call", `${slot}: no call leads to ${row._id}`]);
    }
  }
  return faults;
}

function faultsOfCalls({ found, entries, asset }: Evidence): Fault[] {
  const faults: Fault[] = [];
  const ids = found.calls.map(({ uploadId }) => uploadId);
  if (new Set(ids).size < ids.length) faults.push(["call-twice", "an upload id is recorded twice"]);
  const called = entries.filter(({ kind }) => kind === "called").length;
  if (ids.length > called) faults.push(["calls", `${ids.length} calls are recorded, ${called} were made`]);
  for (const { uploadId, assetId } of found.calls) {
    if (asset(assetId) === undefined) faults.push(["call-astray", `${uploadId} leads to no record`]);
  }
  return faults;
}

function faultsOfLetters({ found, asset }: Evidence): Fault[] {
  const faults: Fault[] = [];
  const ids = found.letters.map(({ uploadId }) => uploadId);
  if (new Set(ids).size < ids.length) faults.push(["letter-twice", "an upload has two letters"]);
  for (const { uploadId, state } of found.letters) {
    const call = found.calls.find((one) => one.uploadId === uploadId);
    const committed = isCommitted(call === undefined ? undefined : asset(call.assetId));
    if (committed !== (state === "resolved")) {
      faults.push([
        "letter-state",
        `${uploadId}: ${state}, though it is ${committed ? "" : "not "}committed`,
      ]);
    }
  }
  return faults;
}
