/**
 * The spine, read top to bottom:
 *
 *   file ─ hash ─ begin (the key is decided) ─ bytes (PUT or parts) ─ commit (the record)
 *
 * A large file is hashed with its bytes instead, one hop later; see `upload-hash.ts`.
 *
 * What cannot finish leaves at one point, `leaveLine`: into the journal while a service is down, as a dead letter when
 * the same bytes can be sent later, otherwise by telling the row why. How each hop works, and how often it is tried, is
 * beside this file.
 */
import { randomUUID } from "node:crypto";
import type { AssetIntent, UnhashedIntent } from "../../contract/asset.ts";
import { markCall, type CallMark } from "./call-mark.ts";
import { openCall, type Call } from "./call.ts";
import type { Begun } from "./convex/records.ts";
import { codedError, ReelsyncError } from "./errors.ts";
import { ofUpload } from "./events.ts";
import { openSource } from "./file/take-in.ts";
import type { AssetFile } from "./file/asset-file.ts";
import type { JournalEntry } from "./journal/journal.ts";
import { enqueue, isContinued, leaveLine } from "./leave-line.ts";
import { assertSameBucket, preflight } from "./preflight.ts";
import { createProgressMeter } from "./progress.ts";
import { changedSince, contentOf, hashedIntent, hashFirst, hashWhileSent, isOwnKey } from "./upload-hash.ts";
import type { Upload, UploadLine } from "./upload-line.ts";
import { begin, commit } from "./upload-record.ts";
import {
  describeUpload,
  type LineRequest,
  type PublishedUpload,
  type SkippedUpload,
  type UploadRequest,
  type UploadResult,
} from "./upload-request.ts";

/** An upload that comes back, from the journal or from a dead letter, with its id. It never queues. */
export interface Returning {
  uploadId: string;
  /** The content it had, which may not have changed. */
  sha256?: string;
  /** Or the mark of the file that it was of, while its hash was not known. */
  mark?: string;
  /** When it was first asked for. Without it the deployment goes by what it was told before. */
  madeAt: CallMark | undefined;
  entry?: JournalEntry;
  /** Opens its bytes where they are no file of the caller's. */
  open?: () => Promise<AssetFile>;
  /** After which errors it stays in the journal. */
  comesBack?: Upload["comesBack"];
}

export async function uploadWithConvexSync(
  line: UploadLine,
  request: LineRequest,
  returning?: Returning,
): Promise<UploadResult> {
  const id = returning?.uploadId ?? randomUUID();
  const names = ofUpload({ uploadId: id, correlationId: request.correlationId });
  const queues = returning === undefined && line.mode === "queue";
  const call = openCall({
    timeoutMs: request.timeoutMs ?? line.timeoutMs,
    signal: request.signal,
    ...names,
    patient: !queues,
  });
  const { entry, comesBack } = returning ?? {};
  const upload: Upload = {
    id,
    names,
    call,
    madeAt: returning === undefined ? markCall() : returning.madeAt,
    meter: createProgressMeter(request.onProgress, () => call.retries + 1),
    queues,
    step: "file",
    ...(comesBack !== undefined && { comesBack }),
    ...(entry !== undefined && { entry }),
    ...(entry?.record !== undefined && { intent: entry.record.intent }),
  };
  line.calls.add(call);
  try {
    const result = await publish(line, upload, request, returning);
    if (upload.scope !== undefined && isPublished(result)) line.outcomes.published(upload.scope);
    return result;
  } catch (error) {
    const coded = codedError(error);
    if (upload.scope !== undefined) line.outcomes.failed(upload.scope, coded);
    return await leaveLine(line, upload, coded);
  } finally {
    await upload.file?.close();
    line.calls.delete(call);
    call.dispose();
  }
}

/** The same for what never queues: uploads of a strict client, and returning ones. */
export async function publishOrThrow(
  line: UploadLine,
  request: UploadRequest,
  returning: Returning,
): Promise<PublishedUpload> {
  const result = await uploadWithConvexSync(line, request, returning);
  if (!isPublished(result)) throw new TypeError(`a returning upload was ${result.state}`);
  return result;
}

function isPublished(result: UploadResult): result is PublishedUpload {
  return result.state === "ready" || result.state === "superseded";
}

async function publish(
  line: UploadLine,
  upload: Upload,
  request: LineRequest,
  returning: Returning | undefined,
): Promise<UploadResult> {
  const { objects, events } = line;
  const { call, meter } = upload;

  const described = describeUpload(request, upload.id);
  const { stage } = (upload.scope = await line.rollout.scopeOf(described));
  if (stage === "off") return skip(line, upload, described.fileName);
  events.emit({ type: "upload.started", ...upload.names, fileName: described.fileName });
  const opened =
    returning?.open === undefined
      ? await openSource(request.file, call.signal, meter)
      : { file: await returning.open() };
  const file = (upload.file = opened.file);
  const isHeld = stage === "end-of-run" && upload.queues;
  if (!isHeld) await preflight(line.tokens, objects, call);
  const isOther = returning?.mark !== undefined && returning.mark !== file.mark;
  if (isOther) throw changedSince(file.path);
  const plan = objects.plan(file.size);
  const unhashed: UnhashedIntent = {
    ...described,
    size: file.size,
    ...(stage === "shadow" && { historyOnly: true }),
    ...(objects.type === "local" && { storageBackend: objects.type }),
  };
  const isLate = returning === undefined && !isHeld && hashWhileSent(line, upload, opened, plan, unhashed);
  if (!isLate) await hashFirst(line, upload, opened, plan, unhashed, returning?.sha256);

  if (returning === undefined) {
    upload.entry = await line.journal.admit(upload, upload.queues ? keptBytes(file) : 0, call.signal);
    const queued = isHeld ? await hold(line, upload) : await followEarlier(line, upload);
    if (queued !== undefined) return queued;
  }

  await writeAhead(line, upload, plan.kind === "multipart");

  upload.step = "begin";
  const begun = (upload.begun = await begin(line, upload, file, plan));
  const { assetId, s3Key, deduped } = begun;
  events.emit({ type: "upload.begun", ...upload.names, assetId, s3Key, deduped });
  if (begun.status !== "pending") {
    return finish(line, upload, await hashedIntent(line, upload), begun, begun.status);
  }
  assertSameBucket(objects, begun.bucket);

  upload.step = "upload";
  meter.phase("uploading", file.size);
  const announced = plan.kind === "multipart" ? announce(line, assetId, call) : undefined;
  const object = await objects.store(
    {
      ...contentOf(upload),
      key: s3Key,
      isOwnKey: isOwnKey(upload, s3Key),
      contentType: described.contentType,
      plan,
      correlationId: upload.names.correlationId,
      onBytes: meter.advance,
      onVerifying: () => meter.phase("verifying", file.size),
      ...(upload.entry !== undefined && { parts: upload.entry.parts }),
      again: returning !== undefined,
      keepsParts: (error) => isContinued(upload, error),
    },
    call,
  );
  await file.assertUnchanged();
  const intent = await hashedIntent(line, upload);
  await announced;
  events.emit({ type: "upload.stored", ...upload.names, s3Key, size: file.size, etag: object.etag });

  upload.step = "commit";
  meter.phase("syncing", file.size);
  const { state, version } = await commit(line, upload, intent, { assetId, object });
  return finish(line, upload, intent, { ...begun, version }, state);
}

/** A strict client, and whoever asked for a replay, gets to hear why nothing happens. */
function skip({ mode, events }: UploadLine, { id, names, queues }: Upload, fileName: string): SkippedUpload {
  if (!queues || mode === "strict") throw new ReelsyncError("ROLLOUT_OFF", "Uploads are switched off");
  events.emit({ type: "upload.skipped", ...names, fileName });
  return { state: "skipped", uploadId: id };
}

/** Kept for the end of the run; sent at once after all where this machine's disk does not take it. */
async function hold(line: UploadLine, upload: Upload): Promise<UploadResult | undefined> {
  const held = new ReelsyncError("ROLLOUT_HELD", "Uploads are kept for the end of the run");
  return enqueue(line, upload, held);
}

/** Files stay where they are; everything else has to be kept here if it is queued. */
function keptBytes(file: AssetFile): number {
  return file.keep === undefined ? 0 : file.size;
}

/** While earlier uploads of the same scene wait, this one goes behind them, or its content would become the older one. */
async function followEarlier(line: UploadLine, upload: Upload): Promise<UploadResult | undefined> {
  const { journal, drainer } = line;
  const entityId = upload.intent?.entityId ?? "";
  await drainer.ready();
  while (journal.waitsFor(entityId)) {
    const waits = new ReelsyncError("EARLIER_WAITS", "Earlier uploads of the same scene wait in the journal");
    const queued = upload.queues ? await enqueue(line, upload, waits) : undefined;
    if (queued !== undefined) return queued;
    drainer.wake();
    await journal.removal(upload.call.signal);
  }
  return undefined;
}

/** A disk that does not take the entry costs the recovery after a crash, not the upload. */
async function writeAhead(line: UploadLine, upload: Upload, hasParts: boolean) {
  const { id, entry, intent, file } = upload;
  if (entry === undefined || entry.record !== undefined) return;
  if (intent === undefined || file?.path === undefined) return;
  const { path, mark } = file;
  await entry
    .writeAhead(intent, { path, ...(mark !== undefined && { mark }) }, hasParts)
    .catch((error: unknown) => line.letters.warn(`noting upload ${id}`, error));
}

/** Shows watchers that a long upload is on its way. Nothing depends on it. */
async function announce(line: UploadLine, assetId: string, call: Call): Promise<void> {
  await line.records
    .uploading(assetId, call)
    .catch((error: unknown) => line.letters.warn("showing an upload", error));
}

async function finish(
  { records, objects, events, letters }: UploadLine,
  upload: Upload,
  { size, sha256 }: AssetIntent,
  { assetId, bucket, s3Key, version, deduped }: Begun,
  state: PublishedUpload["state"],
): Promise<PublishedUpload> {
  const { id, names, call, meter, entry } = upload;
  upload.recorded = true;
  // Content that is stored already may be kept in the other storage, which only the deployment can sign for. While it
  // cannot be asked, the entry stays: sent again it changes nothing, and finds the same record.
  const url = bucket === objects.bucket ? await objects.url(s3Key) : (await records.url(assetId, call)).url;
  // What stays behind would be sent again, and change nothing.
  await entry?.remove().catch((error: unknown) => letters.warn(`forgetting upload ${id}`, error));
  const attempts = call.retries + 1;
  meter.phase("done", size);
  events.emit({ type: "upload.finished", ...names, assetId, version, attempts });
  return { uploadId: id, assetId, s3Key, url, version, sha256, size, deduped, attempts, state };
}
