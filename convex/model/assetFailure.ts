/** Uploads that will not finish: the row says why, the reserved bytes are given back. A committed row is never touched. */
import { RECONCILE_GRACE_MS } from "../../contract/limits.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { requireOwned } from "./access.ts";
import type { Caller } from "./access.ts";
import { settleEffects } from "./assetEffects.ts";
import type { AssetEffect } from "./assetEffects.ts";
import { currentOf } from "./assetRows.ts";
import { release } from "./usage.ts";
import { isNewer } from "./wishOrder.ts";

export async function failAsset(
  ctx: MutationCtx,
  caller: Caller,
  args: { assetId: string; code: string; message: string },
): Promise<null> {
  const row = await requireOwned(ctx, caller, "assets", args.assetId, "ASSET_NOT_FOUND");
  await giveUp(ctx, row, args.code, args.message);
  return null;
}

export async function markUploading(
  ctx: MutationCtx,
  caller: Caller,
  args: { assetId: string },
): Promise<null> {
  const row = await requireOwned(ctx, caller, "assets", args.assetId, "ASSET_NOT_FOUND");
  if (row.status !== "pending") return null;
  await ctx.db.patch("assets", row._id, { status: "uploading" });
  await settleEffects(ctx, [{ row, event: { kind: "opened" } }]);
  return null;
}

export async function giveUp(
  ctx: MutationCtx,
  row: Doc<"assets">,
  code: string,
  message: string,
): Promise<void> {
  const effects: AssetEffect[] = [];
  await noteGivenUp(ctx, row, code, message, effects);
  await settleEffects(ctx, effects);
}

/** Does nothing unless bytes were still expected: repeats, and failures reported after a commit, change nothing [G3]. */
export async function noteGivenUp(
  ctx: MutationCtx,
  row: Doc<"assets">,
  code: string,
  message: string,
  effects: AssetEffect[],
): Promise<void> {
  if (row.status !== "pending" && row.status !== "uploading") return;
  await ctx.db.patch("assets", row._id, { status: "error", errorCode: code, errorMessage: message });
  await release(ctx, row);
  const current = await currentOf(ctx, row);
  const overtaken = current !== null && isNewer(current, row);
  effects.push({
    row,
    event: overtaken ? { kind: "settled", ready: false } : { kind: "failed", message },
  });
}

/** Rows one transaction of the hourly job gives up on. */
const EXPIRY_BATCH = 100;

/** Gives up on uploads nobody finished within grace. Answers whether there may be more. */
export async function expireUploads(ctx: MutationCtx): Promise<boolean> {
  const before = Date.now() - RECONCILE_GRACE_MS;
  let found = 0;
  for (const status of ["pending", "uploading"] as const) {
    const rows = await ctx.db
      .query("assets")
      .withIndex("by_status_and_openedAt", (q) => q.eq("status", status).lt("openedAt", before))
      .take(EXPIRY_BATCH - found);
    found += rows.length;
    for (const row of rows) {
      await giveUp(
        ctx,
        row,
        "DEADLINE_EXCEEDED",
        `No commit came within ${RECONCILE_GRACE_MS / 3_600_000} hours.`,
      );
    }
  }
  return found >= EXPIRY_BATCH;
}
