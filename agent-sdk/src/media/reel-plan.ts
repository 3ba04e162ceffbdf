/** Which assets make up a reel, in playing order, decided before a byte is downloaded. */
import type { Asset } from "../../../contract/asset.ts";
import type { TimelineScene } from "../../../contract/playback.ts";
import type { Call } from "../call.ts";
import { ReelsyncError } from "../errors.ts";
import type { MediaRecords } from "./media-records.ts";

export interface ReelScene {
  sceneKey: string;
  chunks: Asset[];
  subtitle: Asset | undefined;
}

export interface ReelPlan {
  scenes: ReelScene[];
  /** Keys of scenes that are not ready, with what is wrong with each; only where gaps are allowed. */
  gaps: string[];
}

const NAMED_IN_A_MESSAGE = 10;

export async function planReel(
  records: MediaRecords,
  sessionId: string,
  allowGaps: boolean,
  call: Call,
): Promise<ReelPlan> {
  const timeline = await records.timeline(sessionId, call);
  const inOrder = timeline.scenes.toSorted((a, b) => a.index - b.index);
  const gaps = inOrder.flatMap((scene) => {
    const why = gapIn(scene);
    return why === undefined ? [] : [`${scene.sceneKey} (${why})`];
  });
  const unborn = (timeline.plannedSceneCount ?? 0) - inOrder.length;
  if (unborn > 0) gaps.push(`${unborn} planned ${unborn === 1 ? "scene" : "scenes"} (not begun)`);
  const playable = inOrder.filter(({ chunks }) => chunks.length > 0);
  if (playable.length === 0) {
    throw new ReelsyncError("SCENE_NOT_READY", `Session ${sessionId} has no video to combine yet`);
  }
  if (gaps.length > 0 && !allowGaps) {
    const more = gaps.length > NAMED_IN_A_MESSAGE ? ` and ${gaps.length - NAMED_IN_A_MESSAGE} more` : "";
    throw new ReelsyncError(
      "SCENE_NOT_READY",
      `Not ready: ${gaps.slice(0, NAMED_IN_A_MESSAGE).join(", ")}${more}`,
    );
  }
  const current = await records.current(sessionId, call);
  /** Replaced since the timeline was read: the version the timeline showed is what is combined. */
  const assetOf = async (assetId: string) => current.get(assetId) ?? (await records.byId(assetId, call));
  const scenes: ReelScene[] = [];
  for (const { sceneKey, chunks, subtitle } of playable) {
    scenes.push({
      sceneKey,
      chunks: await Promise.all(
        chunks.toSorted((a, b) => a.chunkIndex - b.chunkIndex).map(({ assetId }) => assetOf(assetId)),
      ),
      subtitle: subtitle === undefined ? undefined : await assetOf(subtitle.assetId),
    });
  }
  return { scenes, gaps };
}

function gapIn({ status, chunks }: TimelineScene): string | undefined {
  if (status === "failed") return "failed";
  if (chunks.length === 0) return "no video";
  const present = new Set(chunks.map(({ chunkIndex }) => chunkIndex));
  const last = Math.max(...present);
  const missing = Array.from({ length: last }, (_, index) => index).find((index) => !present.has(index));
  return missing === undefined ? undefined : `chunk ${missing} is missing`;
}
