/**
 * Where an upload that cannot finish leaves the line. There are three ways out, in this order:
 *
 *   queued       S3 or Convex is down and the client queues: durable in the journal, sent by `journal/drainer.ts`
 *   dead letter  it may be sent later, but not by itself; `dead-letters/replay.ts` is where it comes back
 *   refused      nothing will help: the caller is told, and the row says why
 *
 * What has its record already and fails at its URL is queued, or told to the caller and to nobody else.
 */
import {
  becomesDeadLetter,
  codedError,
  parkedAs,
  ReelsyncError,
  unkeptAs,
  waitsForService,
} from "./errors.ts";
import { hashedIntent, isHashed } from "./upload-hash.ts";
import type { Upload, UploadLine } from "./upload-line.ts";
import type { QueuedUpload } from "./upload-request.ts";

/** Whether the upload is gone on with after the error, with what it has reached. */
export function isContinued({ queues, comesBack, entry }: Upload, error: ReelsyncError): boolean {
  if (comesBack !== undefined) return comesBack(error);
  return queues && entry !== undefined && waitsForService(error);
}

/** Answers `queued`, or throws what the caller gets to see. */
export async function leaveLine(
  line: UploadLine,
  upload: Upload,
  cause: ReelsyncError,
): Promise<QueuedUpload> {
  const { id, step, entry } = upload;
  if (upload.comesBack?.(cause) === true) throw cause;
  const error = isKept(upload, cause) ? await hashRest(line, upload, cause) : cause;
  const queued = upload.queues && waitsForService(error) ? await enqueue(line, upload, error) : undefined;
  if (queued !== undefined) return queued;
  line.events.emit({
    type: "upload.failed",
    ...upload.names,
    step,
    attempts: upload.call.retries + 1,
    code: error.code,
    message: line.letters.withoutSecrets(error.message),
  });
  let stays = false;
  try {
    const end = await giveUp(line, upload, error);
    stays = end.stays === true;
    throw end.error;
  } finally {
    if (!stays) {
      await entry?.remove().catch((fault: unknown) => line.letters.warn(`forgetting upload ${id}`, fault));
    }
  }
}

/** Whether somebody will go on with it later, and by its hash. */
function isKept({ queues, step, entry, intent, begun }: Upload, error: ReelsyncError): boolean {
  if (intent === undefined || isHashed(intent)) return false;
  if (queues && entry !== undefined && waitsForService(error)) return true;
  return step !== "file" && becomesDeadLetter(error, begun !== undefined);
}

/** The error the upload leaves with: a file that is another one by now is all there is to say of it. */
async function hashRest(line: UploadLine, upload: Upload, error: ReelsyncError): Promise<ReelsyncError> {
  try {
    await hashedIntent(line, upload);
    return error;
  } catch (fault) {
    return codedError(fault);
  }
}

/** Undefined when this machine's disk does not take it. */
export async function enqueue(
  line: UploadLine,
  upload: Upload,
  error: ReelsyncError,
): Promise<QueuedUpload | undefined> {
  const { journal, drainer, events, letters } = line;
  const { id, names, call, file, entry } = upload;
  if (upload.intent === undefined || file === undefined || entry === undefined) return undefined;
  const intent = await hashedIntent(line, upload);
  try {
    await entry.acknowledge(intent, file, error.code);
  } catch (fault) {
    letters.warn(`queueing upload ${id}`, fault);
    return undefined;
  }
  journal.leave(entry);
  events.emit({ type: "upload.queued", ...names, attempts: call.retries + 1, code: error.code });
  if (error.code !== "ROLLOUT_HELD") drainer.wake();
  return { state: "queued", uploadId: id, sha256: intent.sha256, size: intent.size };
}

/** Time that ran out says nothing of how far the call had come, and here there is no letter that would. */
function nothingBegun(error: ReelsyncError): ReelsyncError {
  const { code, message, cause } = error;
  return code === "DEADLINE_EXCEEDED"
    ? new ReelsyncError(code, `Nothing was begun: ${message}`, { cause })
    : error;
}

async function giveUp(
  { letters, objects }: UploadLine,
  { id, call, madeAt, step, file, intent, begun, entry, recorded }: Upload,
  error: ReelsyncError,
): Promise<{ error: ReelsyncError; stays?: true }> {
  const acknowledged = entry?.record?.acknowledged === true;
  // Nothing was said to anybody yet.
  if (intent === undefined || (step === "file" && entry?.record === undefined))
    return { error: nothingBegun(error) };
  const { open } = entry?.parts ?? {};
  if (open !== undefined) await objects.abandonParts(open.key, open.s3UploadId);
  if (recorded) return { error };
  const reached = begun === undefined ? {} : { assetId: begun.assetId };
  // Without a hash it was promised to nobody, and nothing could tell whether it is still the same content.
  if (!isHashed(intent) || (!acknowledged && !becomesDeadLetter(error, begun !== undefined))) {
    await letters.withdraw(id, reached.assetId, error);
    return { error };
  }
  const parked = await letters.park({
    intent,
    madeAt,
    // A file that is gone is still named.
    file: file ?? (entry?.record?.path === undefined ? {} : { path: entry.record.path }),
    step: step === "file" ? "begin" : step,
    attempts: call.retries + 1 + (entry?.record?.attempts ?? 0),
    error,
    ...reached,
  });
  if (!(parked instanceof Error)) return { error: parkedAs(error, parked) };
  // Its caller was promised that it is safe, and the journal's entry is all there is of it.
  if (acknowledged) return { error, stays: true };
  await letters.withdraw(id, reached.assetId, error);
  return { error: unkeptAs(error, parked) };
}
