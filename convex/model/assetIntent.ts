/**
 * The first step of "intent → bytes → commit": says under which key the bytes go, or that they need not move. Replaying it any
 * number of times, early or late, leads to the row it led to first [G3].
 */
import * as z from "zod";
import {
  ASSET_TYPES_OF,
  CONTENT_TYPES_OF,
  acceptsContentType,
  assetTypeSchema,
  callMadeSchema,
  unhashedIntentSchema,
} from "../../contract/asset.ts";
import type { AssetType, UnhashedIntent } from "../../contract/asset.ts";
import { MAX_CHUNKS_PER_SCENE, MAX_OBJECT_BYTES } from "../../contract/limits.ts";
import { formatObjectKey } from "../../contract/object-key.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Caller } from "./access.ts";
import type { AssetRow } from "./assetEffects.ts";
import { rowsOfKey, versionsOf } from "./assetRows.ts";
import { entityOf, openBegins, settleBegins } from "./begins.ts";
import type { Begins, Entity } from "./begins.ts";
import { resolveDeadLetter } from "./uploadCalls.ts";
import { entryToReclaim, reclaim } from "./deleteQueue.ts";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";
import { opened, repeatCall } from "./repeatedBegin.ts";
import type { Opened } from "./repeatedBegin.ts";
import { placeOf, storageTarget } from "./storageEnv.ts";
import type { StorageTarget } from "./storageEnv.ts";
import { reserve } from "./usage.ts";
import type { Announced } from "./usage.ts";
import { mayBeSatisfied, satisfying, wishAgain, wishOfCall } from "./wishOrder.ts";
import type { Wish } from "./wishOrder.ts";

/** Type and size are judged here and not by the schema, so that each fault gets its own code. */
export const uncheckedIntentSchema = z.object({
  ...unhashedIntentSchema.shape,
  assetType: z.string(),
  contentType: z.string(),
  size: z.number().int().min(0),
  made: callMadeSchema.optional(),
});
export type UncheckedIntent = z.infer<typeof uncheckedIntentSchema>;

/** Nothing was opened: what the slot holds has the same size, and only the hash tells whether it is the same content. */
export interface HashFirst {
  status: "hash_first";
}

/** Current assets a session may have in all, so that every read of a whole session stays bounded. */
const MAX_ASSETS_PER_SESSION = 16_000;

/** Types of which an entity has several, told apart by chunkIndex. */
const INDEXED_TYPES: readonly AssetType[] = ["video_chunk", "transcript", "processed", "other"];

export async function beginAsset(
  ctx: MutationCtx,
  caller: Caller,
  unchecked: UncheckedIntent,
): Promise<Opened | HashFirst> {
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
): Promise<Opened | HashFirst> {
  const entity = await entityOf(ctx, caller, unchecked, begins);
  const { tenant } = entity;
  const { effects } = begins;
  const intent = checkIntent(unchecked, tenant);

  const known = await callOf(ctx, tenant._id, intent.uploadId);
  const wish = await wishOfCall(ctx, tenant._id, unchecked, known, begins.letters);
  if (known !== null) return repeatCall(ctx, known, intent, tenant, wish, begins);

  const newest = await versionsOf(ctx, intent).first();
  if (intent.sha256 === undefined && newest !== null && (await mayBeSatisfied(ctx, intent, newest))) {
    return { status: "hash_first" };
  }
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

function checkIntent({ made: _made, ...unchecked }: UncheckedIntent, tenant: Doc<"tenants">): UnhashedIntent {
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

async function openVersion(
  ctx: MutationCtx,
  { session, scene, tenant }: Entity,
  intent: UnhashedIntent,
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
  // Content that is not hashed yet is equal to nothing: a key made of its upload's id is that upload's alone.
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
    checksum: intent.sha256 ?? "",
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
  intent: UnhashedIntent,
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
      ...(intent.sha256 === undefined ? { uploadId: intent.uploadId } : { sha256: intent.sha256 }),
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
