import { Button } from "@mantine/core";
import { Bot, UserRound } from "lucide-react";
import { api } from "../../../convex/_generated/api";
import { useViewer } from "../shell/viewer.ts";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import { usePages } from "../ui/usePages.ts";
import styles from "./RolloutHistory.module.css";
import { STAGES } from "./wording.ts";

const PAGE = 5;

export function RolloutHistory() {
  const { tenant } = useViewer();
  const { results, status, loadMore } = usePages(api.flags.history, { tenantId: tenant.tenantId }, PAGE);
  if (results.length === 0) return null;
  return (
    <details className={styles["history"]} data-testid="rollout-history">
      <summary>
        Changes{" "}
        <span>
          last <RelativeTime at={results[0]?.at ?? 0} />
        </span>
      </summary>
      <ol>
        {results.map((change) => (
          <li key={change.changeId}>
            {change.automatic ? (
              <Bot size={16} aria-label="Automatic" />
            ) : (
              <UserRound size={16} aria-label="By an admin" />
            )}
            <div>
              <p>
                {change.project && <code>{change.project} </code>}
                {STAGES[change.from].label} → <strong>{STAGES[change.to].label}</strong>
                {change.pinned && ", pinned"}
              </p>
              <p className={styles["why"]}>
                {change.automatic ? `By itself, after a report of ${change.by}` : change.by},{" "}
                <RelativeTime at={change.at} />
                {change.reason && `. ${change.reason}`}
              </p>
            </div>
          </li>
        ))}
      </ol>
      {status !== "Exhausted" && (
        <Button size="xs" variant="default" loading={status === "LoadingMore"} onClick={() => loadMore(20)}>
          Earlier ones
        </Button>
      )}
    </details>
  );
}
