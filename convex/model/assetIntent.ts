/**
 * The first step of "intent → bytes → commit": says under which key the bytes go, or that they need not move. Replaying it any
 * number of times, early or late, leads to the row it led to first [G3].
 */
import * as z from "zod";
import {
  ASSET_TYPES_OF,
  CONTENT_TYPES_OF,
  acceptsContentType,
  assetIntentSchema,
  assetTypeSchema,
  callMadeSchema,
} from "../../contract/asset.ts";
import type { AssetIntent, AssetType } from "../../contract/asset.ts";
import { MAX_CHUNKS_PER_SCENE, MAX_OBJECT_BYTES } from "../../contract/limits.ts";
import { formatObjectKey } from "../../contract/object-key.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Caller } from "./access.ts";
import type { AssetRow } from "./assetEffects.ts";
import { rowsOfKey, versionsOf } from "./assetRows.ts";
import type { Slot } from "./assetRows.ts";
import { entityOf, openBegins, settleBegins } from "./begins.ts";
import type { Begins, Entity } from "./begins.ts";
import { resolveDeadLetter } from "./uploadCalls.ts";
import { entryToReclaim, reclaim } from "./deleteQueue.ts";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";
import { placeOf, storageTarget } from "./storageEnv.ts";
import type { StorageTarget } from "./storageEnv.ts";
import { reserve } from "./usage.ts";
import type { Announced } from "./usage.ts";
import { correctWish, satisfying, wishAgain, wishOfCall } from "./wishOrder.ts";
import type { Wish } from "./wishOrder.ts";

/** Type and size are judged here and not by the schema, so that each fault gets its own code. */
export const uncheckedIntentSchema = z.object({
  ...assetIntentSchema.shape,
  assetType: z.string(),
  contentType: z.string(),
  size: z.number().int().min(0),
  made: callMadeSchema.optional(),
});
export type UncheckedIntent = z.infer<typeof uncheckedIntentSchema>;

export interface Opened {
  assetId: Id<"assets">;
  /** `ready` and `superseded`: done, no bytes need to move. */
  status: "pending" | "ready" | "superseded";
  deduped: boolean;
  version: number;
  bucket: string;
  s3Key: string;
}

/** Current assets a session may have in all, so that every read of a whole session stays bounded. */
const MAX_ASSETS_PER_SESSION = 16_000;

/** Types of which an entity has several, told apart by chunkIndex. */
const INDEXED_TYPES: readonly AssetType[] = ["video_chunk", "transcript", "processed", "other"];

export async function beginAsset(
  ctx: MutationCtx,
  caller: Caller,
  unchecked: UncheckedIntent,
): Promise<Opened> {
  const begins = openBegins();
  const answer = await noteBegin(ctx, caller, unchecked, begins);
  await settleBegins(ctx, begins);
  return answer;
}

/** Changes the asset's own rows and notes what follows for its scene. Refuses before it writes anything. */
export async function noteBegin(
  ctx: MutationCtx,
  caller: Caller,
  unchecked: UncheckedIntent,
  begins: Begins,
): Promise<Opened> {
  const entity = await entityOf(ctx, caller, unchecked, begins);
  const { tenant } = entity;
  const { effects } = begins;
  const intent = checkIntent(unchecked, tenant);

  const known = await callOf(ctx, tenant._id, intent.uploadId);
  const wish = await wishOfCall(ctx, tenant._id, unchecked, known, begins.letters);
  if (known !== null) return repeatCall(ctx, known, intent, tenant, wish, begins);

  const newest = await versionsOf(ctx, intent).first();
  const latest = newest === null ? null : await satisfying(ctx, intent, newest);
  if (latest !== null) {
    const deduped = latest.status !== "pending" && latest.status !== "uploading";
    await rememberCall(ctx, latest, intent.uploadId, deduped, wish);
    await wishAgain(ctx, latest, wish);
    if (!deduped) return opened(latest, "pending", false);
    await resolveDeadLetter(ctx, tenant._id, intent.uploadId);
    if (intent.historyOnly !== true) {
      effects.push({ row: latest, event: { kind: "settled", ready: false } });
    }
    return opened(latest, latest.status === "ready" ? "ready" : "superseded", true);
  }
  const row = await openVersion(ctx, entity, intent, newest?.version ?? 0, wish, begins.announced);
  await rememberCall(ctx, row, intent.uploadId, false, wish);
  effects.push({ row, event: { kind: "opened" } });
  return opened(row, "pending", false);
}

function checkIntent({ made: _made, ...unchecked }: UncheckedIntent, tenant: Doc<"tenants">): AssetIntent {
  const { entityType, chunkIndex, contentType, size } = unchecked;
  const parsed = assetTypeSchema.safeParse(unchecked.assetType);
  const allowed = ASSET_TYPES_OF[entityType];
  if (!parsed.success || !allowed.includes(parsed.data)) {
    return refuse(
      "INVALID_ASSET_TYPE",
      `A ${entityType} takes no asset of type "${unchecked.assetType}", only ${allowed.join(", ")}.`,
    );
  }
  const assetType = parsed.data;
  if (chunkIndex >= (INDEXED_TYPES.includes(assetType) ? MAX_CHUNKS_PER_SCENE : 1)) {
    refuse("INVALID_ARGUMENT", `chunkIndex: ${chunkIndex} is more than ${assetType} may count to.`);
  }
  if (!acceptsContentType(assetType, contentType)) {
    const accepted = CONTENT_TYPES_OF[assetType]
      .map((one) => (one.endsWith("/") ? `${one}*` : one))
      .join(", ");
    refuse("CONTENT_TYPE_FORBIDDEN", `${assetType} takes ${accepted}, not "${contentType}".`);
  }
  if (size === 0) refuse("FILE_EMPTY", "size: the file has no bytes.");
  const maxBytes = Math.min(tenant.maxObjectBytes ?? MAX_OBJECT_BYTES, MAX_OBJECT_BYTES);
  if (size > maxBytes) {
    refuse("FILE_TOO_LARGE", `size: ${size} bytes are more than the ${maxBytes} bytes one object may have.`);
  }
  return { ...unchecked, assetType };
}

async function callOf(ctx: QueryCtx, tenantId: Id<"tenants">, uploadId: string) {
  return ctx.db
    .query("uploadCalls")
    .withIndex("by_tenantId_and_uploadId", (q) => q.eq("tenantId", tenantId).eq("uploadId", uploadId))
    .unique();
}

/** This very call was made before: answer the state of its row; a row that was given up opens again under its old version. */
async function repeatCall(
  ctx: MutationCtx,
  call: Doc<"uploadCalls">,
  intent: AssetIntent,
  tenant: Doc<"tenants">,
  wish: Wish,
  { announced, effects }: Begins,
): Promise<Opened> {
  const row = await ctx.db.get("assets", call.assetId);
  if (row === null) return refuse("ASSET_NOT_FOUND", "The record of this upload is gone.");
  if (!sameSlot(row, intent) || row.checksum !== intent.sha256 || row.size !== intent.size) {
    return refuse("INVALID_ARGUMENT", `uploadId: ${intent.uploadId} was used for another upload.`);
  }
  switch (row.status) {
    case "pending":
    case "uploading": {
      const home = newHome(row, intent);
      await correctWish(ctx, row, call, wish);
      if (home !== null) await ctx.db.patch("assets", row._id, home);
      return opened({ ...row, ...home }, "pending", false);
    }
    case "ready":
    case "superseded":
      return opened(row, row.status, call.deduped);
    case "error":
    case "missing": {
      const home = newHome(row, intent);
      await reopen(ctx, row, tenant, announced);
      await correctWish(ctx, row, call, wish);
      if (home !== null) await ctx.db.patch("assets", row._id, home);
      effects.push({ row, event: { kind: "opened" } });
      return opened({ ...row, ...home }, "pending", false);
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

/** An agent may have been told to keep its files elsewhere since it began; no bytes are recorded yet, so the row follows. */
function newHome(row: Doc<"assets">, { storageBackend = "s3" }: AssetIntent) {
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

async function openVersion(
  ctx: MutationCtx,
  { session, scene, tenant }: Entity,
  intent: AssetIntent,
  newestVersion: number,
  wish: Wish,
  announced: Announced,
): Promise<AssetRow> {
  const backend = intent.storageBackend ?? "s3";
  const target = storageTarget(backend);
  if (session.assetCount >= MAX_ASSETS_PER_SESSION) {
    refuse("TOO_MANY_SCENES", `A session holds at most ${MAX_ASSETS_PER_SESSION} current assets.`);
  }
  const s3Key = keyOf(tenant, session, scene, intent, target);
  const sharing = await rowsOfKey(ctx, tenant._id, s3Key);
  if (sharing.some((row) => row.checksum !== intent.sha256 || row.size !== intent.size)) {
    refuse("INVALID_ARGUMENT", `size, sha256: "${s3Key}" is recorded with another size or checksum.`);
  }
  const leaving = await entryToReclaim(ctx, tenant._id, s3Key);
  await reserve(ctx, announced, tenant, intent.size, sharing);
  await reclaim(ctx, leaving);
  const fields = {
    tenantId: tenant._id,
    projectId: session.projectId,
    sessionId: session._id,
    ...present({
      sceneId: scene?._id,
      durationMs: intent.durationMs,
      metadata: intent.metadata,
      historyOnly: intent.historyOnly,
    }),
    entityType: intent.entityType,
    entityId: intent.entityId,
    assetType: intent.assetType,
    chunkIndex: intent.chunkIndex,
    version: newestVersion + 1,
    status: "pending" as const,
    s3Key,
    ...placeOf(backend, target.bucket, s3Key),
    fileName: intent.fileName,
    contentType: intent.contentType,
    size: intent.size,
    checksum: intent.sha256,
    correlationId: intent.correlationId ?? intent.uploadId,
    openedAt: Date.now(),
    wish,
  } satisfies Omit<AssetRow, "_id">;
  return { _id: await ctx.db.insert("assets", fields), ...fields };
}

function keyOf(
  tenant: Doc<"tenants">,
  session: Doc<"sessions">,
  scene: Doc<"scenes"> | null,
  intent: AssetIntent,
  { base }: StorageTarget,
): string {
  try {
    return formatObjectKey({
      base,
      tenant: tenant.slug,
      lifetime: "perm",
      project: session.project,
      session: session._id,
      ...present({ scene: scene?._id }),
      assetType: intent.assetType,
      sha256: intent.sha256,
      fileName: intent.fileName,
    });
  } catch (fault) {
    // Slugs and ids always fit; what is left is the operator's prefix.
    if (fault instanceof RangeError)
      return refuse("STORAGE_UNCONFIGURED", `S3_BASE_PREFIX: ${fault.message}.`);
    throw fault;
  }
}

async function rememberCall(
  ctx: MutationCtx,
  row: AssetRow,
  uploadId: string,
  deduped: boolean,
  wish: Wish,
): Promise<void> {
  const { tenantId, _id: assetId } = row;
  await ctx.db.insert("uploadCalls", { tenantId, uploadId, assetId, deduped, wish });
}

function opened(row: AssetRow, status: Opened["status"], deduped: boolean): Opened {
  return {
    assetId: row._id,
    status,
    deduped,
    version: row.version,
    bucket: row.bucket,
    s3Key: row.s3Key,
  };
}
