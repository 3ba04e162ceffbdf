/** What a player subscribes to. One row for the session and one a scene; no URL, no clock, nothing that changes when no viewer would notice. */
import { MAX_SCENES_PER_SESSION } from "../../contract/limits.ts";
import type { Timeline, TimelineScene } from "../../contract/playback.ts";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { findOwned } from "./access.ts";
import type { Caller } from "./access.ts";
import { present } from "./present.ts";

export async function timeline(
  ctx: QueryCtx,
  caller: Caller,
  args: { sessionId: string },
): Promise<Timeline | null> {
  const session = await findOwned(ctx, caller, "sessions", args.sessionId);
  if (session === null) return null;
  const scenes = await ctx.db
    .query("scenes")
    .withIndex("by_sessionId_and_index", (q) => q.eq("sessionId", session._id))
    .take(MAX_SCENES_PER_SESSION);
  return present({
    sessionId: session._id,
    title: session.title,
    status: session.status,
    plannedSceneCount: session.plannedSceneCount,
    totalAssetSize: session.totalAssetSize,
    assetCount: session.assetCount,
    scenes: scenes.map(timelineScene),
  });
}

function timelineScene(scene: Doc<"scenes">): TimelineScene {
  return present({
    sceneId: scene._id,
    sceneKey: scene.sceneKey,
    index: scene.index,
    title: scene.title,
    status: scene.status,
    assetsStatus: scene.assetsStatus,
    errorMessage: scene.errorMessage ?? scene.assetsErrorMessage,
    assetVersion: scene.assetVersion,
    plannedDurationMs: scene.plannedDurationMs,
    chunks: scene.chunks,
    subtitle: scene.subtitle,
    thumbnail: scene.thumbnail,
    sourceCode: scene.sourceCode,
  });
}
