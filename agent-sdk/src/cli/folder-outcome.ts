/** A folder's plan and what came of it, as lines for people and as documents. */
import type { ErrorCode } from "../../../contract/error-code.ts";
import type { FolderPlan, PlannedFile } from "../folders/plan-folder.ts";
import type { SkippedFile } from "../folders/read-folder.ts";
import type { SyncDirResult } from "../folders/sync-dir.ts";
import { columns, plain } from "./columns.ts";
import { EXIT, exitCodeOf, type ExitCode } from "./exit-code.ts";
import { describe, type Output } from "./output.ts";
import { plural, size } from "./quantities.ts";
import { queuedInWords, type Reasons } from "./queueing.ts";

export function givePlan(
  { files, newScenes, skipped, sessionId }: FolderPlan & { sessionId?: string },
  output: Output,
): void {
  const lines = columns(files.map((file) => cells(file, "planned")));
  files.forEach((file, index) =>
    output.give({ ...withSession(sessionId), ...file, state: "planned" }, lines[index] ?? ""),
  );
  giveSkipped(skipped, output);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  output.say(
    `would sync ${plural(files.length, "file")}, ${size(total)}, ${plural(newScenes.length, "new scene")}`,
  );
}

/** The exit code of each file. */
export function giveOutcome(result: SyncDirResult, output: Output, reasons?: Reasons): ExitCode[] {
  const { sessionId, failed, switchedOff, skipped } = result;
  const successful = result.successful.map((one): Done => reasons?.beside(one) ?? one);
  const lines = columns(successful.map((one) => cells(one, stateOf(one))));
  successful.forEach((one, index) => output.give({ ...withSession(sessionId), ...one }, lines[index] ?? ""));
  for (const file of failed) giveFailed({ ...withSession(sessionId), ...file }, output);
  for (const file of switchedOff) giveSwitchedOff({ ...withSession(sessionId), ...file }, output);
  giveSkipped(skipped, output);
  const known = successful.filter(({ deduped }) => deduped === true).length;
  const queued = successful.filter(({ state }) => state === "queued").length;
  const counts = [
    `${successful.length - known - queued} sent`,
    `${known} known already`,
    `${failed.length} failed`,
    `${skipped.length} skipped`,
    ...countQueued(queued),
    ...countSwitchedOff(switchedOff.length),
  ];
  output.say(`${sessionId === undefined ? "" : `session ${sessionId}: `}${counts.join(", ")}`);
  return [EXIT.ok, ...failed.map(({ error }) => exitCodeOf(error))];
}

/** With the code it was queued for. */
type Done = SyncDirResult["successful"][number] & { code?: ErrorCode };

function stateOf({ deduped, state, code }: Done): string {
  if (state === "queued") return queuedInWords(code);
  return deduped ? "known already" : state;
}

/** A file by itself, as it is done. */
export function fileLine(file: Done): string {
  return cells(file, stateOf(file)).join("  ");
}

export function giveFailed({ error, ...file }: SyncDirResult["failed"][number], output: Output): void {
  if (output.json) output.give({ ...file, error: describe(error) }, "");
  else {
    output.say(plain(file.relative));
    output.fail(error);
  }
}

/** As `reelsync upload` tells of it. */
export function giveSwitchedOff(file: PlannedFile, output: Output): void {
  output.give({ ...file, state: "skipped" }, cells(file, "skipped (the rollout is off)").join("  "));
}

/** Told where there are any: hardly anybody's rollout is off. */
export function countSwitchedOff(count: number): string[] {
  return count === 0 ? [] : [`${count} switched off`];
}

/** Told where there are any: hardly ever is a service down. */
export function countQueued(count: number): string[] {
  return count === 0 ? [] : [`${count} queued`];
}

export function giveSkipped(skipped: readonly SkippedFile[], output: Output): void {
  for (const { relative, reason } of skipped) {
    if (output.json) output.give({ relative, skipped: reason }, "");
    else output.say(`${plain(relative)}: skipped, ${reason}`);
  }
}

function withSession(sessionId: string | undefined): { sessionId?: string } {
  return sessionId === undefined ? {} : { sessionId };
}

function cells(
  { scene, assetType, chunkIndex, relative, size: bytes }: PlannedFile,
  state: string,
): string[] {
  return [
    scene === undefined ? "(session)" : plain(scene),
    assetType,
    String(chunkIndex),
    state,
    size(bytes),
    plain(relative),
  ];
}
