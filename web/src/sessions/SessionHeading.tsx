import { ChevronRight } from "lucide-react";
import { Link } from "wouter";
import type { Timeline } from "../../../contract/playback.ts";
import type { PlaybackPlan } from "../player/playback-plan.ts";
import { Bytes } from "../ui/Bytes.tsx";
import { formatDuration } from "../ui/format.ts";
import { StatusBadge } from "../ui/StatusBadge.tsx";
import { readiness, SESSION_STATUS } from "./session-status.ts";
import styles from "./SessionHeading.module.css";

export function SessionHeading({ timeline, plan }: { timeline: Timeline; plan: PlaybackPlan }) {
  const { label, tone, live } = SESSION_STATUS[timeline.status];
  const readyCount = timeline.scenes.filter(({ status }) => status === "ready").length;
  const failedCount = timeline.scenes.filter(({ status }) => status === "failed").length;
  const { text } = readiness({
    readyCount,
    sceneCount: timeline.scenes.length,
    plannedSceneCount: timeline.plannedSceneCount,
  });
  const playable = plan.slots.reduce((sum, slot) => sum + (slot.kind === "chunk" ? slot.duration : 0), 0);
  return (
    <header className={styles["heading"]}>
      <div className={styles["name"]}>
        <nav aria-label="Breadcrumb">
          <Link href="/sessions">Sessions</Link>
          <ChevronRight size={14} aria-hidden="true" />
        </nav>
        <h1>{timeline.title}</h1>
      </div>
      <div className={styles["facts"]}>
        <StatusBadge tone={tone} live={live ?? false} testId="session-status">
          {label}
        </StatusBadge>
        <span data-testid="readiness">{text}</span>
        {failedCount > 0 && <span className={styles["failed"]}>{failedCount} failed</span>}
        {playable > 0 && (
          <span>
            {formatDuration(playable)}
            {plan.open ? " so far" : ""}
          </span>
        )}
        {timeline.totalAssetSize > 0 && <Bytes value={timeline.totalAssetSize} />}
      </div>
    </header>
  );
}
