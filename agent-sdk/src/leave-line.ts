/** Where an upload that cannot finish leaves the line; `dead-letters/replay.ts` is where it comes back. */
import type { AssetIntent } from "../../contract/asset.ts";
import type { Call } from "./call.ts";
import type { Begun } from "./convex/records.ts";
import type { DeadLetters } from "./dead-letters/dead-letters.ts";
import { becomesDeadLetter, parkedAs, type ReelsyncError } from "./errors.ts";
import type { Events, Step } from "./events.ts";
import type { AssetFile } from "./file/asset-file.ts";
import type { ProgressMeter } from "./progress.ts";

/** How far one upload has come. */
export interface Upload {
  readonly id: string;
  readonly call: Call;
  readonly meter: ProgressMeter;
  step: Step | "file";
  file?: AssetFile;
  intent?: AssetIntent;
  begun?: Begun;
}

/** Returns what the caller gets to see. */
export async function leaveLine(
  letters: DeadLetters,
  events: Events,
  { id, call, step, file, intent, begun }: Upload,
  error: ReelsyncError,
): Promise<ReelsyncError> {
  events.emit({ type: "upload.failed", uploadId: id, step, code: error.code, message: error.message });
  // Nothing was said to anybody yet.
  if (intent === undefined || file === undefined || step === "file") return error;
  const reached = begun === undefined ? {} : { assetId: begun.assetId };
  if (!becomesDeadLetter(error, begun !== undefined)) {
    await letters.withdraw(id, reached.assetId, error);
    return error;
  }
  const letter = await letters.park({ intent, file, step, attempts: call.retries + 1, error, ...reached });
  return letter === undefined ? error : parkedAs(error, letter);
}
