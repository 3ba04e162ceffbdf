/** From whatever the caller passed to what both backends store: an open file with its digests and a plan. */
import mime from "mime";
import { openCall, type Call } from "../call.ts";
import type { AssetFile } from "../file/asset-file.ts";
import type { KnownDigests } from "../file/hash-file.ts";
import { digestFile, openSource } from "../file/take-in.ts";
import { createProgressMeter, type ProgressMeter } from "../progress.ts";
import type { ObjectStore } from "../s3/object-store.ts";
import type { TransferSlots } from "../s3/transfer-slots.ts";
import type { UploadPlan } from "../upload-plan.ts";
import type { UploadRequest } from "../upload-request.ts";
import type { SavedFile, SaveOptions } from "./storage-backend.ts";

export interface SaveParts {
  objects: ObjectStore;
  slots: TransferSlots;
  timeoutMs: number;
}

interface Source {
  file: AssetFile;
  digests: KnownDigests;
  plan: UploadPlan;
  meter: ProgressMeter;
}

/** One object into the store, whichever it is, by the path that an upload with a record takes. */
export async function saveSource(
  { objects, slots, timeoutMs }: SaveParts,
  key: string,
  source: UploadRequest["file"],
  options: SaveOptions = {},
): Promise<SavedFile> {
  const call = openCall({ timeoutMs: options.timeoutMs ?? timeoutMs, signal: options.signal });
  const meter = createProgressMeter(options.onProgress, () => call.retries + 1);
  try {
    await objects.assertUsable(call);
    const opened = await openSource(source, call.signal, meter);
    try {
      const { file } = opened;
      const plan = objects.plan(file.size);
      const digests = await digestFile(opened, plan, slots, call.signal, meter);
      return await storeSource(objects, key, { file, plan, digests, meter }, options, call);
    } finally {
      await opened.file.close();
    }
  } finally {
    call.dispose();
  }
}

async function storeSource(
  objects: ObjectStore,
  key: string,
  { file, plan, digests, meter }: Source,
  { contentType }: SaveOptions,
  call: Call,
): Promise<SavedFile> {
  meter.phase("uploading", file.size);
  const stored = await objects.store(
    {
      key,
      contentType: contentType ?? mime.getType(key) ?? "application/octet-stream",
      file,
      plan,
      digests,
      onBytes: meter.advance,
      onVerifying: () => meter.phase("verifying", file.size),
    },
    call,
  );
  await file.assertUnchanged();
  meter.phase("done", file.size);
  const { etag, size, versionId } = stored;
  return { key, size, sha256: digests.sha256, etag, ...(versionId !== undefined && { versionId }) };
}
