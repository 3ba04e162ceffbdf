/** Scenes: what agents say of them, and what pages see of one. What follows from their assets is in `sceneState.ts`. */
import type { AssetType } from "../../contract/asset.ts";
import { MAX_CHUNKS_PER_SCENE, MAX_SCENES_PER_SESSION } from "../../contract/limits.ts";
import type { AssetsStatus, SceneStatus, SceneUpsert } from "../../contract/scene.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireOwned } from "./access.ts";
import type { Caller } from "./access.ts";
import { assetView, currentOfType, versionsOf } from "./assetRows.ts";
import type { AssetView } from "./assetRows.ts";
import { bounded, mapPage } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";
import { countScene } from "./sessionCounters.ts";

export interface SceneView {
  sceneId: Id<"scenes">;
  sessionId: Id<"sessions">;
  sceneKey: string;
  index: number;
  title: string;
  status: SceneStatus;
  errorMessage?: string;
  plannedDurationMs?: number;
  videoAsset?: AssetView;
  chunkAssets: AssetView[];
  sourceCodeAsset?: AssetView;
  thumbnailAsset?: AssetView;
  subtitleAsset?: AssetView;
  assetsStatus: AssetsStatus;
  assetsErrorMessage?: string;
  assetVersion: number;
}

export async function upsertScene(
  ctx: MutationCtx,
  caller: Caller,
  upsert: SceneUpsert,
): Promise<{ sceneId: Id<"scenes">; created: boolean }> {
  const session = await requireOwned(ctx, caller, "sessions", upsert.sessionId, "SESSION_NOT_FOUND");
  const scene = await ctx.db
    .query("scenes")
    .withIndex("by_sessionId_and_sceneKey", (q) =>
      q.eq("sessionId", session._id).eq("sceneKey", upsert.sceneKey),
    )
    .unique();
  return scene === null
    ? { sceneId: await addScene(ctx, session, upsert), created: true }
    : { sceneId: await changeScene(ctx, session, scene, upsert), created: false };
}

async function addScene(
  ctx: MutationCtx,
  session: Doc<"sessions">,
  upsert: SceneUpsert,
): Promise<Id<"scenes">> {
  if (session.status !== "live")
    refuse("SESSION_ENDED", `The session "${session.title}" is ${session.status}.`);
  if (session.sceneCount >= MAX_SCENES_PER_SESSION) {
    refuse("TOO_MANY_SCENES", `A session holds at most ${MAX_SCENES_PER_SESSION} scenes.`);
  }
  const status = upsert.status ?? "planned";
  await countScene(ctx, session, undefined, status);
  return ctx.db.insert("scenes", {
    tenantId: session.tenantId,
    projectId: session.projectId,
    sessionId: session._id,
    sceneKey: upsert.sceneKey,
    index: upsert.index,
    title: upsert.title,
    status,
    ...present({ plannedDurationMs: upsert.plannedDurationMs, errorMessage: upsert.errorMessage }),
    assetsStatus: "pending",
    failedSlots: [],
    assetVersion: 0,
    chunks: [],
  });
}

/** A scene that can be played stays `ready` whatever is said of it: a late "rendering" must not hide a committed chunk [G3]. */
async function changeScene(
  ctx: MutationCtx,
  session: Doc<"sessions">,
  scene: Doc<"scenes">,
  upsert: SceneUpsert,
): Promise<Id<"scenes">> {
  const status = scene.chunks.length > 0 ? "ready" : (upsert.status ?? scene.status);
  const said = {
    index: upsert.index,
    title: upsert.title,
    status,
    plannedDurationMs: upsert.plannedDurationMs ?? scene.plannedDurationMs,
    errorMessage: upsert.errorMessage ?? (status === "failed" ? scene.errorMessage : undefined),
  };
  const same =
    scene.index === said.index &&
    scene.title === said.title &&
    scene.status === said.status &&
    scene.plannedDurationMs === said.plannedDurationMs &&
    scene.errorMessage === said.errorMessage;
  if (same) return scene._id;
  await countScene(ctx, session, scene.status, status);
  await ctx.db.patch("scenes", scene._id, said);
  return scene._id;
}

export async function sceneView(
  ctx: QueryCtx,
  caller: Caller,
  args: { sceneId: string },
): Promise<SceneView> {
  const scene = await requireOwned(ctx, caller, "scenes", args.sceneId, "SCENE_NOT_FOUND");
  const chunks = await currentOfType(ctx, scene._id, "video_chunk", MAX_CHUNKS_PER_SCENE);
  const only = async (assetType: AssetType) => {
    const [row] = await currentOfType(ctx, scene._id, assetType, 1);
    return row === undefined ? undefined : assetView(row);
  };
  return present({
    sceneId: scene._id,
    sessionId: scene.sessionId,
    sceneKey: scene.sceneKey,
    index: scene.index,
    title: scene.title,
    status: scene.status,
    errorMessage: scene.errorMessage,
    plannedDurationMs: scene.plannedDurationMs,
    videoAsset: chunks[0] === undefined ? undefined : assetView(chunks[0]),
    chunkAssets: chunks.map(assetView),
    sourceCodeAsset: await only("source_code"),
    thumbnailAsset: await only("thumbnail"),
    subtitleAsset: await only("subtitle"),
    assetsStatus: scene.assetsStatus,
    assetsErrorMessage: scene.assetsErrorMessage,
    assetVersion: scene.assetVersion,
  });
}

export async function sceneVersions(
  ctx: QueryCtx,
  caller: Caller,
  args: {
    sceneId: string;
    assetType: AssetType;
    chunkIndex?: number | undefined;
    paginationOpts: PaginationOpts;
  },
) {
  const scene = await requireOwned(ctx, caller, "scenes", args.sceneId, "SCENE_NOT_FOUND");
  const slot = { entityId: scene._id, assetType: args.assetType, chunkIndex: args.chunkIndex ?? 0 };
  return mapPage(await versionsOf(ctx, slot).paginate(bounded(args.paginationOpts)), assetView);
}
