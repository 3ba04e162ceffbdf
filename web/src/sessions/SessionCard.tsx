import type { FunctionReturnType } from "convex/server";
import { Link } from "wouter";
import type { api } from "../../../convex/_generated/api";
import { Thumbnail } from "../media/Thumbnail.tsx";
import { Bytes } from "../ui/Bytes.tsx";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import { StatusBadge } from "../ui/StatusBadge.tsx";
import { ReadinessBar } from "./ReadinessBar.tsx";
import { readiness, SESSION_STATUS } from "./session-status.ts";
import styles from "./SessionCard.module.css";

type SessionSummary = FunctionReturnType<typeof api.sessions.list>["page"][number];

export function SessionCard({ session }: { session: SessionSummary }) {
  const { label, tone, live } = SESSION_STATUS[session.status];
  const { ready, total, text } = readiness(session);
  return (
    <Link href={`/sessions/${session.sessionId}`} className={styles["card"]} data-testid="session-card">
      <span className={styles["picture"]}>
        <Thumbnail assetId={session.thumbnailAssetId} />
        <span className={styles["status"]}>
          <StatusBadge tone={tone} live={live ?? false}>
            {label}
          </StatusBadge>
        </span>
      </span>
      <ReadinessBar
        ready={ready}
        failed={session.failedCount}
        total={total}
        live={session.status === "live"}
      />
      <span className={styles["text"]}>
        <span className={styles["title"]}>{session.title}</span>
        <span className={styles["meta"]}>
          <span>{text}</span>
          {session.failedCount > 0 && <span className={styles["failed"]}>{session.failedCount} failed</span>}
        </span>
        <span className={styles["meta"]}>
          <span>{session.project}</span>
          <Bytes value={session.totalAssetSize} />
          <RelativeTime at={session.updatedAt} />
        </span>
      </span>
    </Link>
  );
}
