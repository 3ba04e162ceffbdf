import "media-chrome/dist/media-controller.js";
import "media-chrome/dist/media-control-bar.js";
import "media-chrome/dist/media-play-button.js";
import "media-chrome/dist/media-mute-button.js";
import "media-chrome/dist/media-volume-range.js";
import "media-chrome/dist/media-time-range.js";
import "media-chrome/dist/media-time-display.js";
import "media-chrome/dist/media-captions-button.js";
import "media-chrome/dist/media-playback-rate-button.js";
import "media-chrome/dist/media-pip-button.js";
import "media-chrome/dist/media-fullscreen-button.js";
import "media-chrome/dist/media-loading-indicator.js";
import { En } from "media-chrome/dist/lang/en.js";
import { addTranslation } from "media-chrome/dist/utils/i18n.js";
import { SkipBack, SkipForward } from "lucide-react";
import { useState, type ReactNode } from "react";
import type { Timeline } from "../../../contract/playback.ts";
import { stepScene } from "./player-commands.ts";
import styles from "./Player.module.css";
import { PlayerOverlay } from "./PlayerOverlay.tsx";
import { PlayerSettings } from "./PlayerSettings.tsx";
import { defineReelVideo } from "./reel-video.ts";
import { ShortcutSheet } from "./ShortcutSheet.tsx";
import { UpdateOffer } from "./UpdateOffer.tsx";
import { useHotkeys } from "./useHotkeys.ts";
import type { LivePlayback } from "./useLivePlayback.ts";
import { useMediaSession } from "./useMediaSession.ts";

defineReelVideo();
// Its name is what is seen on it: "1.5x".
addTranslation("en", { ...En, "Playback rate {playbackRate}": "Speed {playbackRate}x" });

/** The picture and its controls. Contains markup; what plays is decided in the element. */
export function Player({ playback, timeline }: { playback: LivePlayback; timeline: Timeline }) {
  const { reel, attach, view } = playback;
  const [helpOpen, setHelpOpen] = useState(false);
  useHotkeys(reel, () => setHelpOpen((open) => !open));
  useMediaSession(
    reel,
    timeline.title,
    timeline.scenes.find(({ sceneId }) => sceneId === view.sceneId)?.title,
  );

  return (
    <div className={styles["stage"]} data-state={view.state} data-started={view.started || undefined}>
      <media-controller
        class={styles["controller"]}
        nohotkeys=""
        novolumepref=""
        nomutedpref=""
        nosubtitleslangpref=""
        autohide="3"
      >
        <reel-video slot="media" ref={attach} />
        <media-loading-indicator slot="centered-chrome" noautohide="" class={styles["spinner"]} />
        <div slot="centered-chrome" className={styles["centre"]} {...{ noautohide: "" }}>
          <PlayerOverlay playback={playback} timeline={timeline} />
        </div>
        <div slot="top-chrome" className={styles["top"]} {...{ noautohide: "" }}>
          <UpdateOffer playback={playback} timeline={timeline} />
        </div>
        <div className={styles["shade"]} />
        <media-control-bar class={styles["seekbar"]}>
          <media-time-range class={styles["range"]} />
        </media-control-bar>
        <media-control-bar class={styles["buttons"]}>
          <media-play-button class={styles["button"]} notooltip="" />
          <PlayerButton label="Previous scene (B)" onClick={() => reel && stepScene(reel, -1)}>
            <SkipBack size={18} />
          </PlayerButton>
          <PlayerButton label="Next scene (N)" onClick={() => reel && stepScene(reel, 1)}>
            <SkipForward size={18} />
          </PlayerButton>
          <span className={styles["volume"]}>
            <media-mute-button class={styles["button"]} notooltip="" />
            <media-volume-range class={styles["volumeRange"]} />
          </span>
          <media-time-display class={styles["time"]} showduration="" notoggle="" />
          <span className={styles["spacer"]} />
          <media-captions-button class={styles["button"]} notooltip="" ref={asSwitch} />
          <media-playback-rate-button class={styles["rate"]} rates="0.75 1 1.25 1.5 2" notooltip="" />
          <PlayerSettings onShortcuts={() => setHelpOpen(true)} />
          <media-pip-button class={styles["pip"]} notooltip="" />
          <media-fullscreen-button class={styles["button"]} notooltip="" />
        </media-control-bar>
      </media-controller>
      <ShortcutSheet opened={helpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}

/** It says whether it is checked, which a plain button, as it calls itself, cannot be. */
function asSwitch(button: HTMLElement | null): void {
  button?.setAttribute("role", "switch");
}

interface ButtonProps {
  label: string;
  onClick: () => void;
  children: ReactNode;
}

function PlayerButton({ label, onClick, children }: ButtonProps) {
  return (
    <button type="button" className={styles["own"]} aria-label={label} title={label} onClick={onClick}>
      {children}
    </button>
  );
}
