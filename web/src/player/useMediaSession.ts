import { useEffect } from "react";
import { stepScene } from "./player-commands.ts";
import type { ReelVideoElement } from "./reel-video.ts";

/** Media keys and the system's now-playing panel see one reel, not the two elements behind it. */
export function useMediaSession(
  reel: ReelVideoElement | null,
  title: string,
  scene: string | undefined,
): void {
  useEffect(() => {
    if (!reel || !("mediaSession" in navigator)) return;
    const { mediaSession } = navigator;
    mediaSession.metadata = new MediaMetadata({ title: scene ?? title, album: title });
    const handlers: [MediaSessionAction, () => void][] = [
      ["play", () => void reel.play().catch(() => undefined)],
      ["pause", () => reel.pause()],
      ["previoustrack", () => stepScene(reel, -1)],
      ["nexttrack", () => stepScene(reel, 1)],
    ];
    for (const [action, handler] of handlers) mediaSession.setActionHandler(action, handler);
    return () => {
      mediaSession.metadata = null;
      for (const [action] of handlers) mediaSession.setActionHandler(action, null);
    };
  }, [reel, title, scene]);
}
