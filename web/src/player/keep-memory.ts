/** Puts a viewer's settings and place into the reel when a session opens, and writes them down as they change. */
import { recall, remember } from "./viewer-memory.ts";
import type { ReelVideoElement } from "./reel-video.ts";

/** Whether a session starts by itself; only ever without sound. */
export const AUTOPLAY_KEY = "reelsync.autoplay";

const SAVE_EVERY_MS = 5_000;

/** Nobody needs to be brought back to the first seconds. */
const MIN_RESUME_SECONDS = 3;

export function keepMemory(
  reel: ReelVideoElement,
  sessionId: string,
  onResumed: (sceneId: string) => void,
): () => void {
  const memory = recall(localStorage, sessionId);
  reel.volume = memory.volume;
  reel.muted = memory.muted;
  reel.playbackRate = memory.rate;
  reel.captionsShown = memory.captions;

  const stop = new AbortController();
  const { signal } = stop;
  let place = memory.place;
  let lastSaved = 0;

  const save = (): void => {
    lastSaved = Date.now();
    const { sceneId } = reel.currentSlot ?? {};
    // The end is not a place to come back to, and a reel nobody has started keeps the old one.
    if (reel.ended) place = undefined;
    else if (sceneId !== undefined && reel.currentTime > 0) place = { sceneId, offset: reel.sceneTime };
    const { volume, muted, playbackRate: rate, captionsShown: captions } = reel;
    remember(localStorage, sessionId, { volume, muted, rate, captions, ...(place ? { place } : {}) });
  };

  reel.addEventListener("loadedmetadata", () => resume(), { signal, once: true });
  const resume = (): void => {
    if (!place || !reel.plan.spans.some(({ sceneId }) => sceneId === place?.sceneId)) return;
    const { sceneId, offset } = place;
    reel.seekToScene(sceneId, offset);
    if (reel.currentTime >= MIN_RESUME_SECONDS) onResumed(sceneId);
  };
  if (localStorage.getItem(AUTOPLAY_KEY) === "true") {
    reel.muted = true;
    // Refused by the browser: then the big button is there as for everybody else.
    reel.play().catch(() => undefined);
  }
  for (const type of ["pause", "ended", "volumechange", "ratechange"]) {
    reel.addEventListener(type, save, { signal });
  }
  reel.addEventListener(
    "timeupdate",
    () => {
      if (!reel.paused && Date.now() - lastSaved > SAVE_EVERY_MS) save();
    },
    { signal },
  );
  reel.textTracks.addEventListener("change", save, { signal });
  window.addEventListener("pagehide", save, { signal });
  return () => {
    if (reel.plan.slots.length > 0) save();
    stop.abort();
  };
}
