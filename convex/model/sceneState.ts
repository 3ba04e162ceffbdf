/**
 * What follows for a scene when one of its assets changes: what the timeline shows, `status`, `assetsStatus`, `assetVersion`.
 * A row that became current takes its slot's place; after a loss what is shown is derived from the rows again.
 */
import type { AssetStatus, AssetType } from "../../contract/asset.ts";
import { MAX_CHUNKS_PER_SCENE } from "../../contract/limits.ts";
import type { AssetsStatus, SceneStatus } from "../../contract/scene.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { currentOfType, firstShowable, slotName, timelineAsset } from "./assetRows.ts";
import { sceneChange } from "./sessionCounters.ts";
import type { SessionChange } from "./sessionCounters.ts";

/** What just happened to the asset row. */
export type AssetEvent =
  | { kind: "opened" }
  /** The slot holds what its agent wanted it to hold. `ready`: the row is the current version now. */
  | { kind: "settled"; ready: boolean }
  | { kind: "failed"; message: string }
  /** The current version's object is gone or is another one. */
  | { kind: "lost"; message: string };

type Current = Doc<"scenes">["chunks"][number];

type SceneCounts = Pick<SessionChange, "scenes" | "ready" | "failed">;

interface Shown {
  chunks: Current[];
  subtitle: Current | undefined;
  thumbnail: Current | undefined;
  sourceCode: Current | undefined;
}

/** One asset's change, as its scene sees it. */
export interface AssetMove {
  row: Omit<Doc<"assets">, "_creationTime">;
  event: AssetEvent;
}

export async function followAsset(
  ctx: MutationCtx,
  sceneId: Id<"scenes"> | undefined,
  row: AssetMove["row"],
  event: AssetEvent,
): Promise<SceneCounts> {
  return followAssets(ctx, sceneId, [{ row, event }]);
}

/** All that happened to a scene's assets in one transaction, in order: the scene is read and written once. */
export async function followAssets(
  ctx: MutationCtx,
  sceneId: Id<"scenes"> | undefined,
  moves: readonly AssetMove[],
): Promise<SceneCounts> {
  const scene = sceneId === undefined ? null : await ctx.db.get("scenes", sceneId);
  const last = moves.at(-1);
  if (scene === null || last === undefined) return { scenes: 0, ready: 0, failed: 0 };
  let { failedSlots, assetVersion, assetsErrorMessage } = scene;
  const { chunks, subtitle, thumbnail, sourceCode } = scene;
  let shown: Shown = { chunks, subtitle, thumbnail, sourceCode };
  for (const { row, event } of moves) {
    failedSlots = slotsAfter(failedSlots, slotName(row), event);
    assetsErrorMessage = assetsMessageAfter(assetsErrorMessage, failedSlots, event);
    const isCurrent = event.kind === "settled" && event.ready;
    if (isCurrent) assetVersion = Math.max(assetVersion, row.version);
    if (isCurrent) shown = { ...shown, ...shownWith(shown, row) };
    if (event.kind === "lost") shown = { ...shown, ...(await shownOfType(ctx, scene._id, row.assetType)) };
  }
  const status = statusAfter(scene.status, shown.chunks.length > 0);
  const after = {
    ...shown,
    status,
    errorMessage: status === scene.status ? scene.errorMessage : messageAfter(last.event),
    assetVersion,
    failedSlots,
    assetsStatus: await assetsStatusOf(ctx, scene._id, failedSlots, assetVersion > 0),
    assetsErrorMessage,
  };
  // Most events of an upload change nothing a viewer sees; then everyone subscribed is left alone.
  if (JSON.stringify(pickKeys(scene, after)) !== JSON.stringify(after)) {
    await ctx.db.patch("scenes", scene._id, after);
  }
  return sceneChange(scene.status, status);
}

function pickKeys<Row extends object, Part extends object>(row: Row, like: Part): Partial<Row> {
  return Object.fromEntries(Object.keys(like).map((key) => [key, row[key as keyof Row]])) as Partial<Row>;
}

function shownWith({ chunks }: Shown, row: AssetMove["row"]): Partial<Shown> {
  const current = timelineAsset(row);
  if (row.assetType === "video_chunk") {
    const others = chunks.filter(({ chunkIndex }) => chunkIndex !== row.chunkIndex);
    return { chunks: [...others, current].sort((a, b) => a.chunkIndex - b.chunkIndex) };
  }
  const field = SHOWN_AS[row.assetType];
  return field === undefined ? {} : { [field]: current };
}

async function shownOfType(
  ctx: QueryCtx,
  sceneId: Id<"scenes">,
  assetType: AssetType,
): Promise<Partial<Shown>> {
  if (assetType === "video_chunk") {
    const rows = await currentOfType(ctx, sceneId, assetType, MAX_CHUNKS_PER_SCENE);
    return { chunks: rows.map(timelineAsset) };
  }
  const field = SHOWN_AS[assetType];
  if (field === undefined) return {};
  const [row] = await currentOfType(ctx, sceneId, assetType, 1);
  return { [field]: row === undefined ? undefined : timelineAsset(row) };
}

const SHOWN_AS: Partial<Record<AssetType, keyof Shown>> = {
  subtitle: "subtitle",
  thumbnail: "thumbnail",
  source_code: "sourceCode",
};

/** `ready` is only ever derived; a scene that loses its last chunk has failed, whatever its agent said long ago. */
function statusAfter(before: SceneStatus, playable: boolean): SceneStatus {
  if (playable) return "ready";
  return before === "ready" ? "failed" : before;
}

function messageAfter(event: AssetEvent): string | undefined {
  return event.kind === "lost" ? event.message : undefined;
}

function slotsAfter(before: string[], slot: string, event: AssetEvent): string[] {
  if (event.kind === "opened") return before;
  const others = before.filter((one) => one !== slot);
  return event.kind === "settled" ? others : [...others, slot];
}

function assetsMessageAfter(
  before: string | undefined,
  failedSlots: string[],
  event: AssetEvent,
): string | undefined {
  if (failedSlots.length === 0) return undefined;
  return event.kind === "failed" || event.kind === "lost" ? event.message : before;
}

async function assetsStatusOf(
  ctx: QueryCtx,
  sceneId: Id<"scenes">,
  failedSlots: string[],
  hasCurrent: boolean,
): Promise<AssetsStatus> {
  if (failedSlots.length > 0) return "error";
  if (await anyInState(ctx, sceneId, "uploading")) return "uploading";
  if (await anyInState(ctx, sceneId, "pending")) return "pending";
  return hasCurrent ? "ready" : "pending";
}

async function anyInState(ctx: QueryCtx, sceneId: Id<"scenes">, status: AssetStatus): Promise<boolean> {
  const rows = ctx.db
    .query("assets")
    .withIndex("by_entityId_and_status_and_assetType_and_chunkIndex_and_version", (q) =>
      q.eq("entityId", sceneId).eq("status", status),
    );
  return (await firstShowable(rows)) !== null;
}
