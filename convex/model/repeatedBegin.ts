/** A `begin` that was made before: it leads to the row it led to first, however often and however late it comes [G3]. */
import type { UnhashedIntent } from "../../contract/asset.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { AssetRow } from "./assetEffects.ts";
import { rowsOfKey } from "./assetRows.ts";
import type { Slot } from "./assetRows.ts";
import type { Begins } from "./begins.ts";
import { entryToReclaim, reclaim } from "./deleteQueue.ts";
import { refuse } from "./refusal.ts";
import { placeOf, storageTarget } from "./storageEnv.ts";
import { reserve } from "./usage.ts";
import type { Announced } from "./usage.ts";
import { correctWish } from "./wishOrder.ts";
import type { Wish } from "./wishOrder.ts";

export interface Opened {
  assetId: Id<"assets">;
  /** `ready` and `superseded`: done, no bytes need to move. */
  status: "pending" | "ready" | "superseded";
  deduped: boolean;
  version: number;
  bucket: string;
  s3Key: string;
}

/** This very call was made before: answer the state of its row; a row that was given up opens again under its old version. */
export async function repeatCall(
  ctx: MutationCtx,
  call: Doc<"uploadCalls">,
  intent: UnhashedIntent,
  tenant: Doc<"tenants">,
  wish: Wish,
  { announced, effects }: Begins,
): Promise<Opened> {
  const row = await ctx.db.get("assets", call.assetId);
  if (row === null) return refuse("ASSET_NOT_FOUND", "The record of this upload is gone.");
  if (!sameSlot(row, intent) || isOtherContent(row, intent)) {
    return refuse("INVALID_ARGUMENT", `uploadId: ${intent.uploadId} was used for another upload.`);
  }
  switch (row.status) {
    case "pending":
    case "uploading": {
      const learnt = learntSince(row, intent);
      await correctWish(ctx, row, call, wish);
      if (learnt !== null) await ctx.db.patch("assets", row._id, learnt);
      return opened({ ...row, ...learnt }, "pending", false);
    }
    case "ready":
    case "superseded":
      return opened(row, row.status, call.deduped);
    case "error":
    case "missing": {
      const learnt = learntSince(row, intent);
      await reopen(ctx, row, tenant, announced);
      await correctWish(ctx, row, call, wish);
      if (learnt !== null) await ctx.db.patch("assets", row._id, learnt);
      effects.push({ row, event: { kind: "opened" } });
      return opened({ ...row, ...learnt }, "pending", false);
    }
    case "deleted":
      return refuse("ASSET_NOT_FOUND", "This version was deleted.");
  }
}

function sameSlot(row: Doc<"assets">, slot: Slot): boolean {
  return (
    row.entityId === slot.entityId && row.assetType === slot.assetType && row.chunkIndex === slot.chunkIndex
  );
}

/** As far as both sides know the hash. */
function isOtherContent(row: Doc<"assets">, { sha256, size }: UnhashedIntent): boolean {
  if (row.size !== size) return true;
  return sha256 !== undefined && row.checksum !== "" && row.checksum !== sha256;
}

/** What this repeat tells of a row that has no bytes yet: their hash, where they are kept. */
function learntSince(row: Doc<"assets">, intent: UnhashedIntent) {
  const home = newHome(row, intent);
  const { sha256 } = intent;
  return row.checksum === "" && sha256 !== undefined ? { ...home, checksum: sha256 } : home;
}

/** An agent may have been told to keep its files elsewhere since it began; no bytes are recorded yet, so the row follows. */
function newHome(row: Doc<"assets">, { storageBackend = "s3" }: UnhashedIntent) {
  if (row.storageBackend === storageBackend) return null;
  return placeOf(storageBackend, storageTarget(storageBackend).bucket, row.s3Key);
}

async function reopen(
  ctx: MutationCtx,
  row: Doc<"assets">,
  tenant: Doc<"tenants">,
  announced: Announced,
): Promise<void> {
  const leaving = await entryToReclaim(ctx, row.tenantId, row.s3Key);
  await reserve(ctx, announced, tenant, row.size, await rowsOfKey(ctx, row.tenantId, row.s3Key));
  await reclaim(ctx, leaving);
  await ctx.db.patch("assets", row._id, {
    status: "pending",
    errorCode: undefined,
    errorMessage: undefined,
    openedAt: Date.now(),
  });
}

export function opened(row: AssetRow, status: Opened["status"], deduped: boolean): Opened {
  return {
    assetId: row._id,
    status,
    deduped,
    version: row.version,
    bucket: row.bucket,
    s3Key: row.s3Key,
  };
}
