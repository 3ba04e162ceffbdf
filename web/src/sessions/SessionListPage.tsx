import { Button, Skeleton } from "@mantine/core";
import { api } from "../../../convex/_generated/api";
import { useViewer } from "../shell/viewer.ts";
import { Delayed } from "../ui/Delayed.tsx";
import { usePages } from "../ui/usePages.ts";
import { useTitle } from "../ui/useTitle.ts";
import { FirstSession } from "./FirstSession.tsx";
import { SessionCard } from "./SessionCard.tsx";
import styles from "./SessionListPage.module.css";

const PAGE = 24;

export function SessionListPage() {
  useTitle("Sessions");
  const { tenant } = useViewer();
  const { results, status, loadMore } = usePages(api.sessions.list, { tenantId: tenant.tenantId }, PAGE);
  const liveCount = results.filter((session) => session.status === "live").length;

  return (
    <>
      <div className={styles["heading"]}>
        <h1>Sessions</h1>
        <p>
          {tenant.name}
          {liveCount > 0 && ` · ${liveCount} live now`}
        </p>
      </div>
      {status === "LoadingFirstPage" ? (
        <Delayed>
          <Placeholder />
        </Delayed>
      ) : results.length === 0 ? (
        <FirstSession />
      ) : (
        <>
          <ul className={styles["grid"]} data-testid="session-list">
            {results.map((session) => (
              <li key={session.sessionId}>
                <SessionCard session={session} />
              </li>
            ))}
          </ul>
          {status !== "Exhausted" && (
            <div className={styles["more"]}>
              <Button variant="default" loading={status === "LoadingMore"} onClick={() => loadMore(PAGE)}>
                Show older sessions
              </Button>
            </div>
          )}
        </>
      )}
    </>
  );
}

function Placeholder() {
  return (
    <ul className={styles["grid"]} aria-busy="true" aria-label="Loading sessions">
      {Array.from({ length: 6 }, (_, i) => (
        <li key={i} className={styles["placeholder"]}>
          <Skeleton className={styles["picture"]} radius={0} />
          <Skeleton height={18} width="70%" m="14px 16px 10px" />
          <Skeleton height={14} width="50%" m="0 16px" />
        </li>
      ))}
    </ul>
  );
}
