/** Timelines as the backend sends them, with as little said as a test needs. */
import type { TimelineAsset, TimelineScene } from "../../../contract/playback.ts";

export function chunk(assetId: string, more: Partial<TimelineAsset> = {}): TimelineAsset {
  return {
    assetId,
    version: 1,
    contentType: "video/mp4",
    size: 1000,
    chunkIndex: 0,
    durationMs: 4000,
    ...more,
  };
}

export function scene(index: number, more: Partial<TimelineScene> = {}): TimelineScene {
  const chunks = more.chunks ?? [];
  return {
    sceneId: `s${index}`,
    sceneKey: `scene-${index}`,
    index,
    title: `Scene ${index + 1}`,
    status: chunks.length > 0 ? "ready" : "planned",
    assetsStatus: chunks.length > 0 ? "ready" : "pending",
    assetVersion: Math.max(0, ...chunks.map(({ version }) => version)),
    ...more,
    chunks,
  };
}

export const readyScene = (index: number, assetId = `a${index}`, more: Partial<TimelineAsset> = {}) =>
  scene(index, { chunks: [chunk(assetId, more)] });
