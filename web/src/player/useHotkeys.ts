import { useEffect, useEffectEvent } from "react";
import { commandFor, focusTargetOf } from "./hotkeys.ts";
import { runCommand } from "./player-commands.ts";
import type { ReelVideoElement } from "./reel-video.ts";

/** The player's keys work anywhere on its page, except where somebody types or a dialog is open. */
export function useHotkeys(reel: ReelVideoElement | null, onHelp: () => void): void {
  const help = useEffectEvent(onHelp);
  useEffect(() => {
    if (!reel) return;
    const onKeyDown = (event: KeyboardEvent): void => {
      const focused = event.composedPath()[0];
      const inDialog = document.querySelector("[role=dialog][aria-modal=true]") !== null;
      if (event.defaultPrevented || (inDialog && event.key !== "?")) return;
      const command = commandFor(event, focusTargetOf(focused instanceof Element ? focused : null));
      if (!command) return;
      event.preventDefault();
      runCommand(command, reel, help);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [reel]);
}
