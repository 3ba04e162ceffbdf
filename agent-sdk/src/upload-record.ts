/** The two hops that the deployment answers. Each says of the content what is known by then. */
import type { AssetIntent, StoredObject } from "../../contract/asset.ts";
import { dateCall } from "./call-mark.ts";
import type { Begun, Committed } from "./convex/records.ts";
import type { AssetFile } from "./file/asset-file.ts";
import { contentOf, hashFirst, intentOf, isHashed } from "./upload-hash.ts";
import type { Upload, UploadLine } from "./upload-line.ts";
import type { UploadPlan } from "./upload-plan.ts";

/** Decides the key. Where the deployment has to know the hash for that, it is taken first, and the same upload begins again. */
export async function begin(
  line: UploadLine,
  upload: Upload,
  file: AssetFile,
  plan: UploadPlan,
): Promise<Begun> {
  const { records } = line;
  const { call, madeAt } = upload;
  const intent = intentOf(upload);
  if (isHashed(intent)) return records.begin(dateCall(intent, madeAt), call);
  const begun = await records.beginUnhashed(dateCall(intent, madeAt), call);
  if (begun !== undefined) return begun;
  const hashed = await hashFirst(line, upload, { file }, plan, intent);
  return records.begin(dateCall(hashed, madeAt), call);
}

export async function commit(
  { records }: UploadLine,
  upload: Upload,
  intent: AssetIntent,
  stored: { assetId: string; object: StoredObject },
): Promise<Committed> {
  const { sha256 } = intent;
  const isNew = contentOf(upload).finish !== undefined;
  return records.commit(
    dateCall(intent, upload.madeAt),
    { ...stored, ...(isNew && { sha256 }) },
    upload.call,
  );
}
