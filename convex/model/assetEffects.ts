/**
 * What changed asset rows mean for the rows above them. A transaction changes its asset rows one by one, notes an effect for each,
 * and settles them all at its end: every scene and session is then read and written once, however many of its assets moved.
 */
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { followAssets } from "./sceneState.ts";
import type { AssetEvent } from "./sceneState.ts";
import { changeSession, NO_CHANGE } from "./sessionCounters.ts";
import type { SessionChange } from "./sessionCounters.ts";

/** A row as it was read or has just been inserted. */
export type AssetRow = Omit<Doc<"assets">, "_creationTime">;

export interface AssetEffect {
  row: AssetRow;
  event: AssetEvent;
  /** The version this row took the place of when it became the current one. */
  replaced?: Doc<"assets"> | null;
}

/** Keeps the order the effects were noted in, within each scene and each session. What is for history only moves nothing. */
export async function settleEffects(ctx: MutationCtx, noted: readonly AssetEffect[]): Promise<void> {
  const effects = noted.filter(({ row }) => row.historyOnly !== true);
  const counted = new Map<Id<"sessions">, SessionChange>();
  for (const moves of grouped(effects, ({ row }) => row.sceneId).values()) {
    const [first] = moves;
    if (first === undefined) continue;
    const scene = await followAssets(ctx, first.row.sceneId, moves);
    const { sessionId } = first.row;
    const so = counted.get(sessionId) ?? NO_CHANGE;
    counted.set(sessionId, {
      ...so,
      scenes: so.scenes + scene.scenes,
      ready: so.ready + scene.ready,
      failed: so.failed + scene.failed,
    });
  }
  for (const [sessionId, moves] of grouped(effects, ({ row }) => row.sessionId)) {
    const committed = moves.filter(({ event }) => event.kind === "settled" && event.ready);
    const change = counted.get(sessionId) ?? NO_CHANGE;
    if (committed.length === 0 && !change.scenes && !change.ready && !change.failed) continue;
    const session = await ctx.db.get("sessions", sessionId);
    if (session !== null) await changeSession(ctx, session, withCommitted(session, change, committed));
  }
}

function grouped<Key>(effects: readonly AssetEffect[], keyOf: (effect: AssetEffect) => Key) {
  const groups = new Map<Key, AssetEffect[]>();
  for (const effect of effects) {
    const key = keyOf(effect);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [effect]);
    else group.push(effect);
  }
  return groups;
}

function withCommitted(
  session: Doc<"sessions">,
  change: SessionChange,
  committed: readonly AssetEffect[],
): SessionChange {
  let { bytes, assets, pointers } = change;
  for (const { row, replaced = null } of committed) {
    bytes += row.size - (replaced?.size ?? 0);
    assets += replaced === null ? 1 : 0;
    pointers = { ...pointers, ...pointersTo({ ...session, ...pointers }, row, replaced) };
  }
  return { ...change, bytes, assets, pointers };
}

/** A session without a thumbnail of its own shows the first one any of its scenes got. */
function pointersTo(
  session: { thumbnailAssetId?: Id<"assets"> | undefined },
  row: AssetRow,
  replaced: Doc<"assets"> | null,
): SessionChange["pointers"] {
  if (row.entityType === "session") {
    switch (row.assetType) {
      case "combined_video":
        return { combinedVideoAssetId: row._id };
      case "combined_subtitle":
        return { combinedSubtitleAssetId: row._id };
      case "manifest":
        return { manifestAssetId: row._id };
      case "thumbnail":
        return { thumbnailAssetId: row._id };
      default:
        return {};
    }
  }
  const showsThisSlot =
    session.thumbnailAssetId === undefined ||
    (replaced !== null && session.thumbnailAssetId === replaced._id);
  return row.assetType === "thumbnail" && showsThisSlot ? { thumbnailAssetId: row._id } : {};
}
