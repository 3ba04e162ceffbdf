/**
 * Removes assets by their objects' keys, for agents that tidy up after themselves and for admins. Only history goes: whatever is
 * shown, or on its way to be, is refused [G5]. Objects leave through the delete queue, which checks for itself again.
 */
import type { CleanedKey } from "../../contract/cleanup.ts";
import { MAX_KEY_BYTES } from "../../contract/limits.ts";
import { tenantPrefix } from "../../contract/object-key.ts";
import { frozenFact } from "../../contract/reconcile.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { sees, tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { rowsOfKey } from "./assetRows.ts";
import { audit } from "./audit.ts";
import { freezeOf } from "./deleteFreeze.ts";
import { enqueueDelete, entryOf } from "./deleteQueue.ts";
import { refuse } from "./refusal.ts";
import { storageTarget } from "./storageEnv.ts";
import { release } from "./usage.ts";

interface CleanupArgs {
  s3Keys: readonly string[];
  dryRun: boolean;
  tenantId?: string | undefined;
}

/** In the order of the keys; a key that is named twice is told of twice and removed once. */
export async function cleanUp(ctx: MutationCtx, caller: Caller, args: CleanupArgs): Promise<CleanedKey[]> {
  const tenant = await ctx.db.get("tenants", tenantOf(caller, args.tenantId));
  if (tenant === null) return refuse("NOT_FOUND", "The tenant is gone.");
  const freeze = await freezeOf(ctx, tenant._id);
  const cleaned: CleanedKey[] = [];
  for (const s3Key of args.s3Keys) {
    const one = await judge(ctx, caller, tenant, s3Key);
    if (freeze !== null && isFarewell(one.told)) {
      cleaned.push({ s3Key, outcome: "refused", versions: 0, why: frozenFact(freeze) });
      continue;
    }
    cleaned.push(one.told);
    if (one.told.outcome === "queued" && !args.dryRun) await give(ctx, caller, tenant._id, s3Key, one.rows);
  }
  return cleaned;
}

/** What lets an object go: here, or where its caller is told that nobody minds. */
function isFarewell({ outcome }: CleanedKey): boolean {
  return outcome === "queued" || outcome === "unrecorded";
}

interface Judged {
  told: CleanedKey;
  rows: readonly Doc<"assets">[];
}

async function judge(ctx: QueryCtx, caller: Caller, tenant: Doc<"tenants">, s3Key: string): Promise<Judged> {
  const rows = await rowsOfKey(ctx, tenant._id, s3Key);
  const tell = (outcome: CleanedKey["outcome"], why?: string): Judged => {
    const versions = outcome === "queued" ? rows.filter(isHistory).length : 0;
    return { told: { s3Key, outcome, versions, ...(why === undefined ? {} : { why }) }, rows };
  };
  if (new TextEncoder().encode(s3Key).length > MAX_KEY_BYTES) return tell("unknown");
  if (rows.some((row) => !sees(caller, row))) return tell("unknown");
  if (rows.length === 0) return tell(await unrecorded(ctx, caller, tenant, s3Key));

  const live = rows.find((row) => ["ready", "pending", "uploading"].includes(row.status));
  if (live?.status === "ready") return tell("refused", `It is the current version ${live.version}.`);
  if (live !== undefined) return tell("refused", "An upload of it is under way.");
  for (const row of rows) {
    const where = await shownIn(ctx, row);
    if (where !== null) return tell("refused", `The ${where} shows it.`);
  }
  return tell(rows.every((row) => row.status === "deleted") ? "gone" : "queued");
}

/**
 * Nobody but the one who covers the whole tenant can say that nothing has a key. In the tenant's own folder its object may then
 * be queued; elsewhere in the bucket others may have recorded it, unless there are no others.
 */
async function unrecorded(ctx: QueryCtx, caller: Caller, tenant: Doc<"tenants">, s3Key: string) {
  if (caller.kind === "agent" && caller.projectIds !== null) return "unknown";
  const { base } = storageTarget();
  if (s3Key.startsWith(tenantPrefix(base, tenant.slug))) {
    const state = (await entryOf(ctx, tenant._id, s3Key))?.state;
    return state === "quarantined" ? "gone" : "queued";
  }
  const isOfATenant = s3Key.startsWith(tenantPrefix(base, "x").slice(0, -"x/".length));
  const alone = (await ctx.db.query("tenants").take(2)).length === 1;
  return isOfATenant || !alone ? "unknown" : "unrecorded";
}

/** Whatever a page shows is a current version; asked all the same, because a pointer left behind is no reason to lose an object. */
async function shownIn(ctx: QueryCtx, row: Doc<"assets">): Promise<"session" | "scene" | null> {
  const session = await ctx.db.get("sessions", row.sessionId);
  const ofSession = [
    session?.combinedVideoAssetId,
    session?.combinedSubtitleAssetId,
    session?.manifestAssetId,
    session?.thumbnailAssetId,
  ];
  if (ofSession.includes(row._id)) return "session";
  const scene = row.sceneId === undefined ? null : await ctx.db.get("scenes", row.sceneId);
  const ofScene = [...(scene?.chunks ?? []), scene?.subtitle, scene?.thumbnail, scene?.sourceCode];
  return ofScene.some((shown) => shown?.assetId === row._id) ? "scene" : null;
}

async function give(
  ctx: MutationCtx,
  caller: Caller,
  tenantId: Id<"tenants">,
  s3Key: string,
  rows: readonly Doc<"assets">[],
): Promise<void> {
  const counted = rows.find((row) => row.status === "superseded");
  for (const row of rows.filter(isHistory)) await ctx.db.patch("assets", row._id, { status: "deleted" });
  if (counted !== undefined) await release(ctx, counted);
  const bucket = rows[0]?.bucket ?? storageTarget().bucket;
  await enqueueDelete(ctx, { tenantId, bucket, s3Key }, "Removed by its key.");
  await audit(ctx, caller, { tenantId, action: "assets.cleanup", target: s3Key });
}

/** A failed upload is none: its dead letter may still be replayed, and takes its object back from the queue. */
function isHistory({ status }: Pick<Doc<"assets">, "status">): boolean {
  return status === "superseded" || status === "missing";
}
