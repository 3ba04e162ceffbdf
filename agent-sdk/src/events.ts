/** What happens inside a client, as one typed stream: logs, a CLI, metrics and tests all listen to the same thing. */
import type { ErrorCode } from "../../contract/error-code.ts";
import type { RolloutStage } from "../../contract/rollout.ts";
import type { BreakerState } from "./resilience/circuit-breaker.ts";

export type Dependency = "s3" | "convex";
export type Step = "begin" | "upload" | "commit";

/** Which upload an event is about, and what its caller calls it; the one is the other unless the caller said so. */
export interface OfUpload {
  uploadId: string;
  correlationId: string;
}

export function ofUpload(intent: { uploadId: string; correlationId?: string | undefined }): OfUpload {
  return { uploadId: intent.uploadId, correlationId: intent.correlationId ?? intent.uploadId };
}

export type ReelsyncEvent =
  | ({ type: "upload.started"; fileName: string } & OfUpload)
  | ({ type: "upload.hashed"; size: number; sha256: string } & OfUpload)
  | ({ type: "upload.begun"; assetId: string; s3Key: string; deduped: boolean } & OfUpload)
  | ({ type: "upload.stored"; s3Key: string; size: number; etag: string } & OfUpload)
  | ({ type: "upload.finished"; assetId: string; version: number; attempts: number } & OfUpload)
  | ({
      type: "upload.failed";
      step: Step | "file";
      attempts: number;
      code: ErrorCode;
      message: string;
    } & OfUpload)
  | {
      type: "retry";
      /** `provider`: whoever serves a URL that is ingested. `fileDoor`: what serves a folder of `STORAGE_TYPE=LOCAL`. */
      dependency: Dependency | "provider" | "fileDoor";
      /** Which call was repeated, e.g. `assets:commit` or `PutObject`. */
      operation: string;
      uploadId?: string;
      correlationId?: string;
      attempt: number;
      delayMs: number;
      code: ErrorCode;
    }
  | { type: "breaker.changed"; dependency: Dependency; name: string; to: BreakerState; from: BreakerState }
  /** Durable on this machine, and sent when that is possible. */
  | ({ type: "upload.queued"; attempts: number; code: ErrorCode } & OfUpload)
  /** The rollout is off: nothing was read, sent or kept. */
  | ({ type: "upload.skipped"; fileName: string } & OfUpload)
  | {
      type: "rollout.changed";
      stage: RolloutStage;
      /** Projects with a stage of their own. */
      projects: { project: string; stage: RolloutStage }[];
    }
  /** Found in the journal of a process that is gone. */
  | ({ type: "journal.recovered"; acknowledged: boolean } & OfUpload)
  | ({ type: "journal.sent"; assetId: string; version: number } & OfUpload)
  /** Sent from the journal in vain; it goes on waiting there. */
  | ({ type: "journal.waiting"; code: ErrorCode; message: string } & OfUpload)
  /** An entry nobody can read, moved aside. */
  | { type: "journal.quarantined"; path: string }
  /** Parts that could not be cleaned up; the bucket's rule for incomplete uploads removes them. */
  | { type: "multipart.abandoned"; s3Key: string; s3UploadId: string; code: ErrorCode }
  | ({ type: "deadLetter.parked"; delivered: boolean; code: ErrorCode } & OfUpload)
  | ({ type: "deadLetter.delivered" } & OfUpload)
  | ({ type: "deadLetter.replayed"; outcome: "resolved" | "parked"; code?: ErrorCode } & OfUpload)
  /** Something beside the upload's own line did not work; the upload is not affected. */
  | { type: "warning"; about: string; code: ErrorCode; message: string };

export type EventListener = (event: ReelsyncEvent) => void;

export interface Events {
  emit: (event: ReelsyncEvent) => void;
  /** Returns the function that removes the listener. */
  on: (listener: EventListener) => () => void;
}

export function createEvents(): Events {
  const listeners = new Set<EventListener>();
  return {
    emit(event) {
      for (const listener of listeners) callGuarded(listener, event);
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A fault in somebody's listener must not fail an upload; it must not be swallowed either. */
export function callGuarded<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : new Error(String(error)));
  }
}
