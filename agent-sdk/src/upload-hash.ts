/**
 * How an upload comes by its hash: before anything is sent, or, where that would keep the store waiting, while it is sent.
 * The hash of a large file is known when its last part is on its way, and comes with its commit.
 */
import type { AssetIntent, UnhashedIntent } from "../../contract/asset.ts";
import { namesContent } from "../../contract/object-key.ts";
import { ReelsyncError } from "./errors.ts";
import { hashWhileRead } from "./file/running-hash.ts";
import { digestFile, type OpenedFile } from "./file/take-in.ts";
import type { Content, Upload, UploadLine } from "./upload-line.ts";
import type { UploadPlan } from "./upload-plan.ts";

/** Reads the file to its end. `expected`: the hash that it had before. */
export async function hashFirst(
  line: UploadLine,
  upload: Upload,
  opened: OpenedFile,
  plan: UploadPlan,
  intent: UnhashedIntent,
  expected?: string,
): Promise<AssetIntent> {
  const { file } = opened;
  const digests = await digestFile(opened, plan, line.slots, upload.call.signal, upload.meter);
  if (expected !== undefined && expected !== digests.sha256) throw changedSince(file.path);
  upload.content = { file, digests };
  return know(line, upload, intent, digests.sha256);
}

/** Reads nothing yet. False where that cannot be, or would gain nothing. */
export function hashWhileSent(
  { objects }: UploadLine,
  upload: Upload,
  { file, digests }: OpenedFile,
  plan: UploadPlan,
  intent: UnhashedIntent,
): boolean {
  if (plan.kind === "single" || objects.type !== "s3" || digests !== undefined) return false;
  upload.content = hashWhileRead(file, plan);
  upload.intent = intent;
  return true;
}

/** For the record, or for later: what nobody has read of the file so far is read now. */
export async function hashedIntent(line: UploadLine, upload: Upload): Promise<AssetIntent> {
  const intent = intentOf(upload);
  if (isHashed(intent)) return intent;
  const sha256 = await contentOf(upload).finish?.();
  if (sha256 === undefined) throw withoutContent(upload.id);
  return know(line, upload, intent, sha256);
}

export function intentOf({ id, intent }: Upload): UnhashedIntent {
  if (intent === undefined) throw withoutContent(id);
  return intent;
}

export function contentOf({ id, content }: Upload): Content {
  if (content === undefined) throw withoutContent(id);
  return content;
}

/** Whether nothing but this upload is ever stored under the key. */
export function isOwnKey({ intent }: Upload, s3Key: string): boolean {
  return intent?.sha256 === undefined || !namesContent(s3Key, intent.sha256);
}

function know({ events }: UploadLine, upload: Upload, intent: UnhashedIntent, sha256: string): AssetIntent {
  const hashed = (upload.intent = { ...intent, sha256 });
  events.emit({ type: "upload.hashed", ...upload.names, size: intent.size, sha256 });
  return hashed;
}

export function isHashed(intent: UnhashedIntent): intent is AssetIntent {
  return intent.sha256 !== undefined;
}

export function changedSince(path = "The file"): ReelsyncError {
  return new ReelsyncError("FILE_CHANGED", `${path} is not what it was when its upload began`);
}

function withoutContent(id: string): TypeError {
  return new TypeError(`upload ${id} has no content`);
}
