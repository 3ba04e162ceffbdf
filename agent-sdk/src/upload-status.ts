/** Where one upload is now: under way or waiting here, recorded there, or given up on. */
import type { Asset } from "../../contract/asset.ts";
import type { DeadLetterView } from "./dead-letters/dead-letters.ts";
import { isReelsyncError, ReelsyncError } from "./errors.ts";
import type { JournalRecord } from "./journal/journal-record.ts";

/** Tell them apart by `state`. */
export type UploadStatus =
  /** This client is at work on it. */
  | { uploadId: string; state: "uploading" }
  /** It waits in a journal of this machine, or is just being sent from there. `code`: what stopped it last. */
  | { uploadId: string; state: "queued"; since: number; attempts: number; code?: string }
  /** It has a record; `asset.status` says which: `ready`, `superseded`, or `pending` when another client is at work on it. */
  | { uploadId: string; state: "recorded"; asset: Asset }
  | { uploadId: string; state: "dead_letter"; deadLetter: DeadLetterView };

/** Where an upload may be. */
export interface Places {
  /** In the journal of whoever asks. */
  waiting?: (uploadId: string) => JournalRecord | undefined;
  isUnderWay?: (uploadId: string) => boolean;
  /** In another journal of this machine. */
  queuedElsewhere: (uploadId: string) => Promise<JournalRecord | undefined>;
  rowOf: (uploadId: string) => Promise<Asset | null>;
  /** Rejects with NOT_FOUND where there is none. */
  letterOf: (uploadId: string) => Promise<DeadLetterView>;
}

/** Looks in the order in which an upload goes on: it leaves its journal after it has got its record. */
export async function uploadStatus(uploadId: string, places: Places): Promise<UploadStatus> {
  const waiting = places.waiting?.(uploadId);
  if (waiting !== undefined) return queued(waiting);
  if (places.isUnderWay?.(uploadId) === true) return { uploadId, state: "uploading" };
  const elsewhere = await places.queuedElsewhere(uploadId);
  if (elsewhere !== undefined) return queued(elsewhere);
  const asset = await places.rowOf(uploadId);
  if (asset !== null && asset.status !== "error") return { uploadId, state: "recorded", asset };
  const deadLetter = await places.letterOf(uploadId).catch(unlessNone);
  if (deadLetter !== undefined && deadLetter.state !== "resolved") {
    return { uploadId, state: "dead_letter", deadLetter };
  }
  if (asset !== null) return { uploadId, state: "recorded", asset };
  throw new ReelsyncError("NOT_FOUND", `${uploadId} names no upload of yours`);
}

function queued({ intent: { uploadId }, createdAt: since, attempts, code }: JournalRecord): UploadStatus {
  return { uploadId, state: "queued", since, attempts, ...(code !== undefined && { code }) };
}

/** To a person who may not read dead letters there are none. */
function unlessNone(error: unknown): undefined {
  if (isReelsyncError(error) && (error.code === "NOT_FOUND" || error.code === "FORBIDDEN")) return undefined;
  throw error;
}
