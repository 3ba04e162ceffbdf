/** Runs in the browser: a bare `<reel-video>` on a page, driven by the tests. */
import type { TimelineScene } from "../../../contract/playback.ts";
import { PrefetchedChunks } from "../../../web/src/player/prefetched-chunks.ts";
import { SignedUrls } from "../../../web/src/player/signed-urls.ts";
import { defineReelVideo } from "../../../web/src/player/reel-video.ts";

interface MarkerPlace {
  cell: number;
  left: number;
  bottom: number;
  cells: number;
  height: number;
}

export interface FrameSeen {
  /** When the frame was handed to the compositor, ms. */
  at: number;
  item: string | undefined;
  mediaTime: number;
}

defineReelVideo();
const reel = document.createElement("reel-video");
document.querySelector("main")!.append(reel);

let mediaUrl = "";
let signatures = 0;
let lifeMs = 3_600_000;
const urls = new SignedUrls(async (ids) => {
  signatures += 1;
  return ids.map((assetId) => {
    const url = `${mediaUrl}/${assetId}.mp4?signature=${signatures}`;
    return { assetId, url, expiresAt: Date.now() + lifeMs, renewAt: Date.now() + lifeMs * 0.75 };
  });
});
const chunks = new PrefetchedChunks(urls);
reel.connect(chunks);
urls.onRenewed((assetId) => reel.renewUrl(assetId));

const events: string[] = [];
const frames: FrameSeen[] = [];
for (const type of ["play", "playing", "pause", "waiting", "seeked", "ended", "error", "sceneupdate"]) {
  reel.addEventListener(type, () => events.push(`${type} ${reel.dataset["itemKey"] ?? "-"}`));
}
for (const video of reel.shadowRoot!.querySelectorAll("video")) {
  const onFrame: VideoFrameRequestCallback = (_now, frame) => {
    if (video === reel.activeVideo) {
      frames.push({
        at: frame.expectedDisplayTime,
        item: reel.dataset["itemKey"],
        mediaTime: frame.mediaTime,
      });
    }
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
}

/** Brightness of the marker's cells in the frame that is on the screen; `readMarker` of demo/marker.ts tells the scene. */
function markerCells({ cell, left, bottom, cells, height }: MarkerPlace): number[] {
  const canvas = document.createElement("canvas");
  canvas.width = left + cells * cell;
  canvas.height = 1;
  const context = canvas.getContext("2d")!;
  context.drawImage(reel.activeVideo, 0, -(height - bottom - cell / 2));
  return Array.from(
    { length: cells },
    (_, i) => context.getImageData(left + i * cell + cell / 2, 0, 1, 1).data[1]!,
  );
}

const harness = {
  reel,
  events,
  frames,
  markerCells,
  chunks,
  setMedia: (url: string) => (mediaUrl = url),
  setLife: (ms: number) => (lifeMs = ms),
  signatures: () => signatures,
  show: (status: "live" | "ended" | "failed", scenes: TimelineScene[]) => {
    reel.show({ status, scenes });
  },
};
type Harness = typeof harness;
declare global {
  interface Window {
    harness: Harness;
  }
}
window.harness = harness;
