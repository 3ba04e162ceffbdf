/** Moves a session's counters by what changed, in the transaction that changed it: nothing is ever counted by reading it all. */
import type { SceneStatus } from "../../contract/scene.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

export type SessionPointers = Pick<
  Doc<"sessions">,
  "combinedVideoAssetId" | "combinedSubtitleAssetId" | "manifestAssetId" | "thumbnailAssetId"
>;

/** What one transaction adds to a session. */
export interface SessionChange {
  bytes: number;
  assets: number;
  scenes: number;
  ready: number;
  failed: number;
  pointers: Partial<{ [Key in keyof SessionPointers]: SessionPointers[Key] | undefined }>;
}

export const NO_CHANGE: SessionChange = { bytes: 0, assets: 0, scenes: 0, ready: 0, failed: 0, pointers: {} };

/** The change a scene makes by going from one status (undefined: it was not there) to another. */
export function sceneChange(
  from: SceneStatus | undefined,
  to: SceneStatus,
): Pick<SessionChange, "scenes" | "ready" | "failed"> {
  return {
    scenes: from === undefined ? 1 : 0,
    ready: Number(to === "ready") - Number(from === "ready"),
    failed: Number(to === "failed") - Number(from === "failed"),
  };
}

export async function countScene(
  ctx: MutationCtx,
  session: Doc<"sessions">,
  from: SceneStatus | undefined,
  to: SceneStatus,
): Promise<void> {
  await changeSession(ctx, session, { ...NO_CHANGE, ...sceneChange(from, to) });
}

export async function changeSession(
  ctx: MutationCtx,
  session: Doc<"sessions">,
  change: SessionChange,
): Promise<void> {
  const moved = [change.bytes, change.assets, change.scenes, change.ready, change.failed].some(
    (by) => by !== 0,
  );
  if (!moved && Object.keys(change.pointers).length === 0) return;
  await ctx.db.patch("sessions", session._id, {
    sceneCount: session.sceneCount + change.scenes,
    readyCount: session.readyCount + change.ready,
    failedCount: session.failedCount + change.failed,
    totalAssetSize: session.totalAssetSize + change.bytes,
    assetCount: session.assetCount + change.assets,
    ...change.pointers,
    updatedAt: Date.now(),
  });
}
