import { Tabs } from "@mantine/core";
import type { TimelineScene } from "../../../contract/playback.ts";
import type { SessionStatus } from "../../../contract/session.ts";
import { SceneBadge } from "./SceneBadge.tsx";
import { SceneFiles } from "./SceneFiles.tsx";
import { mayStillUpload } from "./scene-look.ts";
import styles from "./ScenePanel.module.css";
import { SceneVersions } from "./SceneVersions.tsx";
import { SourceCode } from "./SourceCode.tsx";

interface Props {
  scene: TimelineScene;
  session: SessionStatus;
  isPlaying: boolean;
  /** Another scene plays than the one looked at. */
  canFollow: boolean;
  onFollow: () => void;
}

/** Everything that belongs to one scene. */
export function ScenePanel({ scene, session, isPlaying, canFollow, onFollow }: Props) {
  const isExpected = mayStillUpload(scene, session);
  return (
    <section className={styles["panel"]} data-testid="scene-panel">
      <header>
        <p className={styles["eyebrow"]}>
          Scene {scene.index + 1}
          {isPlaying && " · in the player"}
          {canFollow && (
            <button type="button" onClick={onFollow}>
              Back to what plays
            </button>
          )}
        </p>
        <h2>{scene.title}</h2>
        <div className={styles["badges"]}>
          <SceneBadge scene={scene} session={session} />
          {scene.assetVersion > 0 && <span>Version {scene.assetVersion}</span>}
          <code>{scene.sceneKey}</code>
        </div>
        {scene.errorMessage && (
          <p className={styles["error"]} role="alert">
            {scene.errorMessage}
          </p>
        )}
      </header>
      <Tabs defaultValue="code" keepMounted={false}>
        <Tabs.List grow>
          <Tabs.Tab value="code">Code</Tabs.Tab>
          <Tabs.Tab value="versions">Versions</Tabs.Tab>
          <Tabs.Tab value="files">Files</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="code" className={styles["body"]}>
          <SourceCode
            key={scene.sourceCode?.assetId ?? "none"}
            asset={scene.sourceCode}
            isExpected={isExpected}
          />
        </Tabs.Panel>
        <Tabs.Panel value="versions" className={styles["body"]}>
          <SceneVersions key={scene.sceneId} sceneId={scene.sceneId} />
        </Tabs.Panel>
        <Tabs.Panel value="files" className={styles["body"]}>
          <SceneFiles key={scene.sceneId} sceneId={scene.sceneId} isExpected={isExpected} />
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}
