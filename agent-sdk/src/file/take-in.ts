/** From whatever the caller passed to an open file with its digests: the first two hops of the line. */
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { PREFERRED_PART_BYTES } from "../../../contract/limits.ts";
import { ReelsyncError } from "../errors.ts";
import type { ProgressMeter } from "../progress.ts";
import type { TransferSlots } from "../s3/transfer-slots.ts";
import type { UploadPlan } from "../upload-plan.ts";
import type { LineRequest } from "../upload-request.ts";
import { memoryFile, openDiskFile, type AssetFile } from "./asset-file.ts";
import { hashFile, type KnownDigests } from "./hash-file.ts";
import { spoolStream } from "./spool-stream.ts";

export interface OpenedFile {
  file: AssetFile;
  /** A stream is hashed on its way to the disk. */
  digests?: Required<KnownDigests>;
}

/** Refuses what cannot be uploaded before anything else moves. */
export async function openSource(
  source: LineRequest["file"],
  signal: AbortSignal,
  meter: ProgressMeter,
): Promise<OpenedFile> {
  if (typeof source === "string") return { file: await openDiskFile(source) };
  if (source instanceof Uint8Array) return { file: memoryFile(source) };
  if (isStream(source)) {
    meter.phase("hashing", 0);
    return spoolStream(source, signal, meter.advance);
  }
  if (typeof source === "function") return { file: await source() };
  throw new ReelsyncError("INVALID_ARGUMENT", "file is neither a path nor bytes nor a stream");
}

export async function digestFile(
  { file, digests }: OpenedFile,
  plan: UploadPlan,
  slots: TransferSlots,
  signal: AbortSignal,
  meter: ProgressMeter,
): Promise<KnownDigests> {
  if (digests !== undefined) {
    const partsMatch = plan.kind === "multipart" && plan.signed && plan.partSize === PREFERRED_PART_BYTES;
    return partsMatch ? digests : { sha256: digests.sha256 };
  }
  meter.phase("hashing", file.size);
  const hashed = await hashFile(file, plan, slots, signal, meter.advance);
  await file.assertUnchanged();
  return hashed;
}

function isStream(source: unknown): source is Readable | ReadableStream {
  return (
    source instanceof Readable ||
    (typeof source === "object" && source !== null && "getReader" in source && "pipeTo" in source)
  );
}
