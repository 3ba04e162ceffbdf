/** An entry of the journal going back into the line it was in, as the same upload. */
import { randomUUID } from "node:crypto";
import { ofUpload } from "../events.ts";
import { isReelsyncError, type ReelsyncError } from "../errors.ts";
import { openDiskFile, type AssetFile } from "../file/asset-file.ts";
import { requestOf, type PublishedUpload } from "../upload-request.ts";
import type { UploadLine } from "../upload-line.ts";
import { publishOrThrow } from "../upload-with-convex-sync.ts";
import { linkOrCopy } from "./durable-file.ts";
import type { JournalEntry } from "./journal.ts";

export async function resend(
  line: UploadLine,
  entry: JournalEntry,
  comesBack: (error: ReelsyncError) => boolean,
  signal: AbortSignal,
): Promise<PublishedUpload> {
  const { record } = entry;
  if (record === undefined) throw new TypeError(`upload ${entry.uploadId} is no entry of the journal`);
  const { madeAt, intent, mark } = record;
  const { uploadId, sha256 } = intent;
  const { path, kept } = await entry.source();
  const request = { ...requestOf(intent, path), signal };
  try {
    const open = kept ? () => openKept(path) : undefined;
    return await publishOrThrow(line, request, {
      uploadId,
      ...(sha256 !== undefined && { sha256 }),
      ...(mark !== undefined && { mark }),
      madeAt,
      entry,
      comesBack,
      ...(open !== undefined && { open }),
    });
  } catch (error) {
    if (record.acknowledged || !isReelsyncError(error) || error.code !== "FILE_CHANGED") throw error;
    // Nobody was told of the content the process died with; what the file holds now is what its caller would send.
    const { correlationId } = ofUpload(record.intent);
    return publishOrThrow(line, { ...request, correlationId }, { uploadId: randomUUID(), madeAt });
  }
}

/** The journal's own copy goes with the entry, so a dead letter has to keep the bytes itself. */
async function openKept(bytes: string): Promise<AssetFile> {
  const { path: _own, ...file } = await openDiskFile(bytes);
  return { ...file, keep: (target) => linkOrCopy(bytes, target) };
}
