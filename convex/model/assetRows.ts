/**
 * Asset rows: how they are found and what is shown of them. A slot is (entity, assetType, chunkIndex); it has at most one `ready` row, the
 * current version.
 */
import type { Asset } from "../../contract/asset.ts";
import type { AssetStatus, AssetType } from "../../contract/asset.ts";
import type { TimelineAsset } from "../../contract/playback.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { present } from "./present.ts";

export interface Slot {
  entityId: string;
  assetType: AssetType;
  chunkIndex: number;
}

export function slotName({ assetType, chunkIndex }: Slot): string {
  return `${assetType}/${chunkIndex}`;
}

/** The newest row of a slot in this state, of those that may become current. */
export async function newestInSlot(ctx: QueryCtx, slot: Slot, status: AssetStatus) {
  return firstShowable(
    ctx.db
      .query("assets")
      .withIndex("by_entityId_and_status_and_assetType_and_chunkIndex_and_version", (q) =>
        q
          .eq("entityId", slot.entityId)
          .eq("status", status)
          .eq("assetType", slot.assetType)
          .eq("chunkIndex", slot.chunkIndex),
      )
      .order("desc"),
  );
}

/** Passes over what is for history only. Only the few such rows in flight or lost are ever in the way of one that is not. */
export async function firstShowable(rows: AsyncIterable<Doc<"assets">>): Promise<Doc<"assets"> | null> {
  for await (const row of rows) if (row.historyOnly !== true) return row;
  return null;
}

export async function currentOf(ctx: QueryCtx, slot: Slot) {
  return newestInSlot(ctx, slot, "ready");
}

/** Current rows of one type, in chunk order. */
export async function currentOfType(ctx: QueryCtx, entityId: string, assetType: AssetType, limit: number) {
  return ctx.db
    .query("assets")
    .withIndex("by_entityId_and_status_and_assetType_and_chunkIndex_and_version", (q) =>
      q.eq("entityId", entityId).eq("status", "ready").eq("assetType", assetType),
    )
    .take(limit);
}

/** Every version of a slot, most recent first. */
export function versionsOf(ctx: QueryCtx, slot: Slot) {
  return ctx.db
    .query("assets")
    .withIndex("by_entityId_and_assetType_and_chunkIndex_and_version", (q) =>
      q.eq("entityId", slot.entityId).eq("assetType", slot.assetType).eq("chunkIndex", slot.chunkIndex),
    )
    .order("desc");
}

/** What a record says is in the bucket, or will be: such an object is counted, and never taken away. */
export function holdsObject(status: AssetStatus): boolean {
  return status === "pending" || status === "uploading" || status === "ready" || status === "superseded";
}

/** Rows sharing one object: versions with the same content and name. More than this many do not exist in practice. */
const MAX_SHARING_ROWS = 1_000;

export async function rowsOfKey(ctx: QueryCtx, tenantId: Id<"tenants">, s3Key: string) {
  return ctx.db
    .query("assets")
    .withIndex("by_tenantId_and_s3Key", (q) => q.eq("tenantId", tenantId).eq("s3Key", s3Key))
    .take(MAX_SHARING_ROWS);
}

export type AssetView = Asset & { assetId: Id<"assets"> };

export function assetView(row: Doc<"assets">): AssetView {
  return present({
    assetId: row._id,
    entityType: row.entityType,
    entityId: row.entityId,
    assetType: row.assetType,
    chunkIndex: row.chunkIndex,
    version: row.version,
    status: row.status,
    s3Key: row.s3Key,
    s3Url: row.s3Url,
    fileName: row.fileName,
    contentType: row.contentType,
    size: row.size,
    checksum: row.checksum,
    etag: row.etag,
    versionId: row.versionId,
    durationMs: row.durationMs,
    errorMessage: row.errorMessage,
    storageBackend: row.storageBackend,
    metadata: row.metadata,
    historyOnly: row.historyOnly,
    correlationId: row.correlationId,
    createdAt: row._creationTime,
    uploadedAt: row.uploadedAt,
  });
}

export function timelineAsset(
  row: Omit<Doc<"assets">, "_creationTime">,
): TimelineAsset & { assetId: Id<"assets"> } {
  return present({
    assetId: row._id,
    version: row.version,
    contentType: row.contentType,
    size: row.size,
    chunkIndex: row.chunkIndex,
    durationMs: row.durationMs,
  });
}
