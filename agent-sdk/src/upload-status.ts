/** Where one upload is now: under way or waiting here, recorded there, or given up on. */
import type { Asset } from "../../contract/asset.ts";
import type { ErrorCode } from "../../contract/error-code.ts";
import type { Call } from "./call.ts";
import type { Records } from "./convex/records.ts";
import type { DeadLetterView } from "./dead-letters/dead-letters.ts";
import { isReelsyncError, ReelsyncError } from "./errors.ts";
import type { JournalRecord } from "./journal/journal-record.ts";
import type { UploadLine } from "./upload-line.ts";

/** Tell them apart by `state`. */
export type UploadStatus =
  /** This client is at work on it. */
  | { uploadId: string; state: "uploading" }
  /** It waits in a journal of this machine, or is just being sent from there. `code`: what stopped it last. */
  | { uploadId: string; state: "queued"; since: number; attempts: number; code?: string }
  /** It has a record; `asset.status` says which: `ready`, `superseded`, or `pending` when another client is at work on it. */
  | { uploadId: string; state: "recorded"; asset: Asset }
  | { uploadId: string; state: "dead_letter"; deadLetter: DeadLetterView };

interface Parts {
  line: Pick<UploadLine, "calls" | "journal">;
  records: Pick<Records, "rowOf">;
  letters: { find: (id: string, call: Call) => Promise<DeadLetterView> };
}

export function createUploadStatus({ line, records, letters }: Parts) {
  async function letterOf(uploadId: string, call: Call): Promise<DeadLetterView | undefined> {
    try {
      const letter = await letters.find(uploadId, call);
      return letter.state === "resolved" ? undefined : letter;
    } catch (error) {
      if (isReelsyncError(error) && error.code === ("NOT_FOUND" satisfies ErrorCode)) return undefined;
      throw error;
    }
  }

  const queued = ({
    intent: { uploadId },
    createdAt: since,
    attempts,
    code,
  }: JournalRecord): UploadStatus => ({
    uploadId,
    state: "queued",
    since,
    attempts,
    ...(code !== undefined && { code }),
  });

  return async function uploadStatus(uploadId: string, call: Call): Promise<UploadStatus> {
    const waiting = line.journal.waiting().find((entry) => entry.uploadId === uploadId)?.record;
    if (waiting !== undefined) return queued(waiting);
    if ([...line.calls].some((one) => one.uploadId === uploadId)) return { uploadId, state: "uploading" };
    // Before the record is asked for: an upload leaves its journal after it has got one.
    const elsewhere = await line.journal.queuedElsewhere(uploadId);
    if (elsewhere !== undefined) return queued(elsewhere);
    const asset = await records.rowOf(uploadId, call);
    if (asset !== null && asset.status !== "error") return { uploadId, state: "recorded", asset };
    const deadLetter = await letterOf(uploadId, call);
    if (deadLetter !== undefined) return { uploadId, state: "dead_letter", deadLetter };
    if (asset !== null) return { uploadId, state: "recorded", asset };
    throw new ReelsyncError("NOT_FOUND", `${uploadId} names no upload of yours`);
  };
}
