/** Carries out what a key or a button asks for, on the reel and on the controls around it. */
import type { PlayerCommand } from "./hotkeys.ts";
import type { ReelVideoElement } from "./reel-video.ts";

const FRAME_SECONDS = 1 / 30;
const MIN_RATE = 0.25;
const MAX_RATE = 2;

/** Asked for again within this many seconds of a scene's start, "previous" means the scene before. */
const RESTART_SECONDS = 3;

export function runCommand(command: PlayerCommand, reel: ReelVideoElement, onHelp: () => void): void {
  switch (command.kind) {
    case "toggle-play":
      if (reel.paused) void reel.play().catch(() => undefined);
      else reel.pause();
      return;
    case "seek-by":
      reel.currentTime = clamp(reel.currentTime + command.seconds, 0, reel.duration);
      return;
    case "seek-to-share":
      reel.currentTime = command.share * reel.duration;
      return;
    case "volume-by":
      reel.muted = false;
      reel.volume = clamp(reel.volume + command.amount, 0, 1);
      return;
    case "toggle-mute":
      reel.muted = !reel.muted;
      return;
    case "toggle-captions":
      reel.captionsShown = !reel.captionsShown;
      return;
    case "rate-by":
      reel.playbackRate = clamp(reel.playbackRate + command.amount, MIN_RATE, MAX_RATE);
      return;
    case "step-frame":
      reel.pause();
      reel.currentTime = clamp(reel.currentTime + command.direction * FRAME_SECONDS, 0, reel.duration);
      return;
    case "scene":
      stepScene(reel, command.direction);
      return;
    case "toggle-fullscreen":
      request(
        reel,
        document.fullscreenElement ? "mediaexitfullscreenrequest" : "mediaenterfullscreenrequest",
      );
      return;
    case "toggle-pip":
      request(reel, document.pictureInPictureElement ? "mediaexitpiprequest" : "mediaenterpiprequest");
      return;
    case "help":
      onHelp();
      return;
    default:
      command satisfies never;
  }
}

/** To the next or previous scene there is something to see of. */
export function stepScene(
  reel: Pick<ReelVideoElement, "plan" | "currentTime" | "seekToScene">,
  direction: 1 | -1,
): void {
  const playable = new Set(reel.plan.slots.flatMap((slot) => (slot.kind === "chunk" ? [slot.sceneId] : [])));
  const spans = reel.plan.spans.filter(({ sceneId }) => playable.has(sceneId));
  const now = reel.currentTime;
  const here = spans.findLastIndex((span) => span.start <= now + 0.05);
  const restart = direction === -1 && here >= 0 && now - spans[here]!.start > RESTART_SECONDS;
  const target = restart
    ? spans[here]
    : (spans[here + direction] ?? (direction === -1 ? spans[0] : undefined));
  if (target) reel.seekToScene(target.sceneId);
}

/** The controller around the reel owns full screen and picture-in-picture. */
function request(reel: ReelVideoElement, type: string): void {
  reel.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true }));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}
