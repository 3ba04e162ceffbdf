/** Which assets a caller may be handed a URL for: stored, and theirs [G6]. */
import type { StorageBackendName } from "../../contract/asset.ts";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { findOwned } from "./access.ts";
import type { Caller } from "./access.ts";

export interface PlayableAsset {
  assetId: Id<"assets">;
  storageBackend: StorageBackendName;
  bucket: string;
  s3Key: string;
  fileName: string;
}

export async function playableAssets(
  ctx: QueryCtx,
  caller: Caller,
  assetIds: readonly string[],
): Promise<PlayableAsset[]> {
  const rows = await Promise.all(
    [...new Set(assetIds)].map((assetId) => findOwned(ctx, caller, "assets", assetId)),
  );
  return rows
    .filter((row) => row !== null)
    .filter((row) => row.status === "ready" || row.status === "superseded")
    .map(({ _id, storageBackend, bucket, s3Key, fileName }) => ({
      assetId: _id,
      storageBackend,
      bucket,
      s3Key,
      fileName,
    }));
}
