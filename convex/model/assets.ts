/** Reading assets by their id, by the upload that made them or by their object's key. */
import type { QueryCtx } from "../_generated/server";
import { requireOwned, sees } from "./access.ts";
import type { Caller } from "./access.ts";
import { assetView, rowsOfKey } from "./assetRows.ts";
import type { AssetView } from "./assetRows.ts";
import { bounded, mapPage } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { rowOfUpload } from "./uploadCalls.ts";

/** The read-back after a commit whose answer never came. Looks in every tenant of the caller: an uploadId names no tenant. */
export async function assetByUpload(
  ctx: QueryCtx,
  caller: Caller,
  args: { uploadId: string },
): Promise<AssetView | null> {
  const tenantIds =
    caller.kind === "agent" ? [caller.tenantId] : caller.memberships.map((one) => one.tenantId);
  for (const tenantId of tenantIds) {
    const row = await rowOfUpload(ctx, tenantId, args.uploadId);
    if (row !== null && sees(caller, row)) return assetView(row);
  }
  return null;
}

export async function assetsByUpload(
  ctx: QueryCtx,
  caller: Caller,
  uploadIds: readonly string[],
): Promise<(AssetView | null)[]> {
  const views: (AssetView | null)[] = [];
  for (const uploadId of uploadIds) views.push(await assetByUpload(ctx, caller, { uploadId }));
  return views;
}

export async function assetById(
  ctx: QueryCtx,
  caller: Caller,
  args: { assetId: string },
): Promise<AssetView> {
  return assetView(await requireOwned(ctx, caller, "assets", args.assetId, "ASSET_NOT_FOUND"));
}

/** The record that says best what is stored under the key: the current version if it is one, else the newest that is stored. */
export async function assetByKey(
  ctx: QueryCtx,
  caller: Caller,
  args: { s3Key: string },
): Promise<AssetView | null> {
  const tenantIds =
    caller.kind === "agent" ? [caller.tenantId] : caller.memberships.map((one) => one.tenantId);
  for (const tenantId of tenantIds) {
    const rows = (await rowsOfKey(ctx, tenantId, args.s3Key)).filter((row) => sees(caller, row));
    const best =
      rows.find((row) => row.status === "ready") ??
      rows.findLast((row) => row.status === "superseded") ??
      rows.at(-1);
    if (best !== undefined) return assetView(best);
  }
  return null;
}

/** Of the session itself and of its scenes; the entity's id says which. */
export async function assetsOfSession(
  ctx: QueryCtx,
  caller: Caller,
  args: { sessionId: string; history?: boolean | undefined; paginationOpts: PaginationOpts },
) {
  const session = await requireOwned(ctx, caller, "sessions", args.sessionId, "SESSION_NOT_FOUND");
  const assets = ctx.db.query("assets");
  const found =
    args.history === true
      ? assets.withIndex("by_sessionId_and_sceneId_and_assetType_and_chunkIndex", (q) =>
          q.eq("sessionId", session._id),
        )
      : assets.withIndex("by_sessionId_and_status_and_sceneId_and_assetType_and_chunkIndex", (q) =>
          q.eq("sessionId", session._id).eq("status", "ready"),
        );
  return mapPage(await found.paginate(bounded(args.paginationOpts)), assetView);
}
