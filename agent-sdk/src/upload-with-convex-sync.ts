/**
 * The spine, read top to bottom:
 *
 *   file ─ hash ─ begin (the key is decided) ─ bytes (PUT or parts) ─ commit (the record)
 *
 * What cannot finish leaves at one point, `leaveLine`: as a dead letter when the same bytes can be sent later, otherwise
 * by telling the row why. How each hop works, and how often it is tried, is beside this file.
 */
import { randomUUID } from "node:crypto";
import type { AssetIntent } from "../../contract/asset.ts";
import { openCall, type Call } from "./call.ts";
import type { AgentTokens } from "./convex/agent-token.ts";
import type { Begun, Records } from "./convex/records.ts";
import type { DeadLetters } from "./dead-letters/dead-letters.ts";
import { codedError, ReelsyncError } from "./errors.ts";
import type { Events } from "./events.ts";
import { digestFile, openSource } from "./file/take-in.ts";
import { leaveLine, type Upload } from "./leave-line.ts";
import { assertSameBucket, preflight } from "./preflight.ts";
import { createProgressMeter } from "./progress.ts";
import type { ObjectStore } from "./s3/object-store.ts";
import type { TransferSlots } from "./s3/transfer-slots.ts";
import { describeUpload, type UploadRequest, type UploadResult } from "./upload-request.ts";

/** Everything an upload meets on its way; one per client. */
export interface UploadLine {
  tokens: AgentTokens;
  records: Records;
  objects: ObjectStore;
  slots: TransferSlots;
  letters: DeadLetters;
  events: Events;
  multipartThreshold: number;
  timeoutMs: number;
}

/** A dead letter that comes back keeps its id, and its content may not have changed. */
export interface Replayed {
  uploadId: string;
  sha256: string;
}

export async function uploadWithConvexSync(
  line: UploadLine,
  request: UploadRequest,
  replayed?: Replayed,
): Promise<UploadResult> {
  const id = replayed?.uploadId ?? randomUUID();
  const call = openCall({
    timeoutMs: request.timeoutMs ?? line.timeoutMs,
    signal: request.signal,
    uploadId: id,
  });
  const upload: Upload = {
    id,
    call,
    meter: createProgressMeter(request.onProgress, () => call.retries + 1),
    step: "file",
  };
  try {
    return await publish(line, upload, request, replayed);
  } catch (error) {
    throw await leaveLine(line.letters, line.events, upload, codedError(error));
  } finally {
    await upload.file?.close();
    call.dispose();
  }
}

async function publish(
  line: UploadLine,
  upload: Upload,
  request: UploadRequest,
  replayed: Replayed | undefined,
): Promise<UploadResult> {
  const { records, objects, events } = line;
  const { call, meter } = upload;

  const described = describeUpload(request, upload.id);
  events.emit({ type: "upload.started", uploadId: upload.id, fileName: described.fileName });
  const opened = await openSource(request.file, call.signal, meter);
  const file = (upload.file = opened.file);
  await preflight(line.tokens, objects, call);
  const { plan, digests } = await digestFile(opened, line.multipartThreshold, line.slots, call.signal, meter);
  if (replayed !== undefined && replayed.sha256 !== digests.sha256) {
    throw new ReelsyncError("FILE_CHANGED", `${file.path ?? "The file"} is not what was parked any more`);
  }
  const intent = (upload.intent = { ...described, size: file.size, sha256: digests.sha256 });
  events.emit({ type: "upload.hashed", uploadId: upload.id, size: file.size, sha256: digests.sha256 });

  upload.step = "begin";
  const begun = (upload.begun = await records.begin(intent, call));
  const { assetId, s3Key, deduped } = begun;
  events.emit({ type: "upload.begun", uploadId: upload.id, assetId, s3Key, deduped });
  if (begun.status !== "pending") return finish(line, upload, intent, begun, begun.status);
  assertSameBucket(objects, begun.bucket);

  upload.step = "upload";
  meter.phase("uploading", file.size);
  const announced = plan.kind === "multipart" ? announce(line, assetId, call) : undefined;
  const object = await objects.store(
    {
      key: s3Key,
      contentType: intent.contentType,
      file,
      plan,
      digests,
      onBytes: meter.advance,
      onVerifying: () => meter.phase("verifying", file.size),
    },
    call,
  );
  await file.assertUnchanged();
  await announced;
  events.emit({ type: "upload.stored", uploadId: upload.id, s3Key, size: file.size, etag: object.etag });

  upload.step = "commit";
  meter.phase("syncing", file.size);
  const { state, version } = await records.commit(intent, assetId, object, call);
  return finish(line, upload, intent, { ...begun, version }, state);
}

/** Shows watchers that a long upload is on its way. Nothing depends on it. */
async function announce(line: UploadLine, assetId: string, call: Call): Promise<void> {
  await line.records
    .uploading(assetId, call)
    .catch((error: unknown) => line.letters.warn("showing an upload", error));
}

async function finish(
  { objects, events }: UploadLine,
  { id, call, meter }: Upload,
  { size, sha256 }: AssetIntent,
  { assetId, s3Key, version, deduped }: Begun,
  state: UploadResult["state"],
): Promise<UploadResult> {
  const url = await objects.url(s3Key);
  const attempts = call.retries + 1;
  meter.phase("done", size);
  events.emit({ type: "upload.finished", uploadId: id, assetId, version, attempts });
  return { assetId, s3Key, url, version, sha256, size, deduped, attempts, state };
}
