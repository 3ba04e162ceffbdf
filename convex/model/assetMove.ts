/**
 * A record whose bytes are moved from one storage to the other. The bytes are copied and verified by an agent; the record changes in one
 * transaction, which refuses when it is not the record the agent has copied any more. Repeating it changes nothing [G3].
 */
import type { StorageBackendName, StoredObject } from "../../contract/asset.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireOwned, sees, tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { holdsObject, rowsOfKey } from "./assetRows.ts";
import { isStored } from "./comparison.ts";
import { enqueueDelete, entryOf, entryToReclaim, reclaim } from "./deleteQueue.ts";
import { bounded } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { placeOf, storageTarget } from "./storageEnv.ts";

export interface KeptRecord {
  assetId: Id<"assets">;
  s3Key: string;
  bucket: string;
  size: number;
  sha256: string;
  contentType: string;
}

export async function keptIn(
  ctx: QueryCtx,
  caller: Caller,
  args: {
    storageBackend: StorageBackendName;
    status: "ready" | "superseded";
    tenantId?: string | undefined;
    paginationOpts: PaginationOpts;
  },
) {
  const tenantId = tenantOf(caller, args.tenantId);
  const result = await ctx.db
    .query("assets")
    .withIndex("by_tenantId_and_storageBackend_and_status", (q) =>
      q.eq("tenantId", tenantId).eq("storageBackend", args.storageBackend).eq("status", args.status),
    )
    .paginate(bounded(args.paginationOpts));
  // An agent of some projects gets shorter pages, never a row of another project.
  return { ...result, page: result.page.filter((row) => sees(caller, row)).map(keptRecord) };
}

function keptRecord(row: Doc<"assets">): KeptRecord {
  return {
    assetId: row._id,
    s3Key: row.s3Key,
    bucket: row.bucket,
    size: row.size,
    sha256: row.checksum,
    contentType: row.contentType,
  };
}

/** An object that waits for quarantine stays; one that is being taken away right now is a refusal. */
export async function makeRoom(
  ctx: MutationCtx,
  caller: Caller,
  args: { assetId: string; to: StorageBackendName },
): Promise<{ bucket: string; preparedAt: number }> {
  const row = await requireOwned(ctx, caller, "assets", args.assetId, "ASSET_NOT_FOUND");
  const { bucket } = storageTarget(args.to);
  if (args.to === "s3") await reclaim(ctx, await entryToReclaim(ctx, row.tenantId, row.s3Key));
  return { bucket, preparedAt: Date.now() };
}

export type Moved =
  | {
      moved: true;
      /** Whether another record still has its bytes where this one had them. */
      sourceHeld: boolean;
    }
  | { moved: false; why: string };

export async function moveRecord(
  ctx: MutationCtx,
  caller: Caller,
  args: {
    assetId: string;
    to: StorageBackendName;
    sha256: string;
    object: StoredObject;
    preparedAt: number;
    deleteSource: boolean;
  },
): Promise<Moved> {
  const row = await requireOwned(ctx, caller, "assets", args.assetId, "ASSET_NOT_FOUND");
  const { bucket } = storageTarget(args.to);
  const fault = faultOf(row, bucket, args);
  if (fault !== null) return { moved: false, why: fault };
  const from = { storageBackend: row.storageBackend, bucket: row.bucket };
  if (from.storageBackend !== args.to) {
    if (args.to === "s3") {
      const leaving = await entryOf(ctx, row.tenantId, row.s3Key);
      if (leaving !== null && leaving.state !== "cancelled" && leaving.updatedAt >= args.preparedAt) {
        return { moved: false, why: "The copy was taken for a stray object meanwhile: move it again." };
      }
      await reclaim(ctx, await entryToReclaim(ctx, row.tenantId, row.s3Key));
    }
    await ctx.db.patch("assets", row._id, {
      ...placeOf(args.to, bucket, row.s3Key),
      etag: args.object.etag,
      versionId: args.object.versionId,
    });
  }
  const source = args.to === "s3" ? "local" : "s3";
  const sourceHeld = (await rowsOfKey(ctx, row.tenantId, row.s3Key)).some(
    (other) => other.storageBackend === source && holdsObject(other.status),
  );
  // Through quarantine, after grace, and only if nothing holds it by then.
  if (args.deleteSource && !sourceHeld && from.storageBackend === "s3" && args.to === "local") {
    await enqueueDelete(ctx, { ...row, bucket: from.bucket }, "Its record has moved to a folder.");
  }
  return { moved: true, sourceHeld };
}

/** Null also when it has been moved by an earlier call of this very move. */
function faultOf(
  row: Doc<"assets">,
  bucket: string,
  { to, sha256, object }: { to: StorageBackendName; sha256: string; object: StoredObject },
): string | null {
  if (!isStored(row)) return `The record is ${row.status} by now.`;
  if (row.checksum !== sha256 || row.size !== object.size) {
    return `The copy is not what the record says: ${row.size} bytes, ${row.checksum}.`;
  }
  if (object.bucket !== bucket) {
    return `The copy is in "${object.bucket}", this deployment keeps such objects in "${bucket}".`;
  }
  if (row.storageBackend === to && row.etag !== object.etag) {
    return "The record is there already, with other bytes of the same content.";
  }
  return null;
}
