import { Drawer } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useState } from "react";
import type { Timeline } from "../../../contract/playback.ts";
import { Player } from "../player/Player.tsx";
import { useLivePlayback, type LivePlayback } from "../player/useLivePlayback.ts";
import { NotFoundPage } from "../shell/NotFoundPage.tsx";
import { useTitle } from "../ui/useTitle.ts";
import { SceneList } from "./SceneList.tsx";
import { ScenePanel } from "./ScenePanel.tsx";
import { SceneStrip } from "./SceneStrip.tsx";
import { SessionHeading } from "./SessionHeading.tsx";
import styles from "./SessionPage.module.css";
import { SessionPlaceholder } from "./SessionPlaceholder.tsx";

export default function SessionPage({ sessionId }: { sessionId: string }) {
  const playback = useLivePlayback(sessionId);
  const { timeline } = playback;
  useTitle(timeline?.title);
  if (timeline === undefined) return <SessionPlaceholder />;
  if (timeline === null) {
    return (
      <NotFoundPage
        title="This session does not exist for you"
        text="The link may be incomplete, the session may have been removed, or it belongs to a team you are not a member of."
      />
    );
  }
  return <LoadedSession playback={playback} timeline={timeline} />;
}

function LoadedSession({ playback, timeline }: { playback: LivePlayback; timeline: Timeline }) {
  const { view, reel } = playback;
  const isWide = useMediaQuery("(min-width: 1100px)", true, { getInitialValueInEffect: false });
  /** A scene looked at instead of the one that plays. */
  const [picked, setPicked] = useState<string>();
  const [drawerOpen, setDrawerOpen] = useState(false);
  const shownId = picked ?? view.sceneId ?? timeline.scenes[0]?.sceneId;
  const shown = timeline.scenes.find(({ sceneId }) => sceneId === shownId);

  const goTo = (sceneId: string): void => {
    const playable = view.plan.slots.some((slot) => slot.kind === "chunk" && slot.sceneId === sceneId);
    setPicked(playable ? undefined : sceneId);
    if (playable) reel?.seekToScene(sceneId);
  };
  const lookAt = (sceneId: string): void => {
    setPicked(sceneId === view.sceneId ? undefined : sceneId);
    setDrawerOpen(true);
  };
  const panel = shown && (
    <ScenePanel
      scene={shown}
      session={timeline.status}
      isPlaying={shown.sceneId === view.sceneId}
      onFollow={() => setPicked(undefined)}
      canFollow={picked !== undefined && picked !== view.sceneId}
    />
  );

  return (
    <div className={styles["page"]}>
      <div className={styles["main"]}>
        <SessionHeading timeline={timeline} plan={view.plan} />
        <Player playback={playback} timeline={timeline} />
        <SceneStrip playback={playback} timeline={timeline} onPick={goTo} />
        <SceneList
          playback={playback}
          timeline={timeline}
          shownId={isWide ? shownId : undefined}
          onPick={goTo}
          onDetails={isWide ? undefined : lookAt}
        />
      </div>
      {isWide ? (
        <aside className={styles["side"]} aria-label="Scene details">
          {panel}
        </aside>
      ) : (
        <Drawer
          opened={drawerOpen}
          onClose={() => setDrawerOpen(false)}
          position="bottom"
          size="80%"
          title="Scene details"
          styles={{
            body: { padding: 0 },
            header: { padding: "8px 10px 0 18px", minHeight: 0 },
            title: { color: "var(--rs-muted)", fontSize: "0.8125rem", fontWeight: 600 },
          }}
          closeButtonProps={{ "aria-label": "Close scene details" }}
        >
          {panel}
        </Drawer>
      )}
    </div>
  );
}
