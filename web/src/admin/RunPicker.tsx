import type { FunctionReturnType } from "convex/server";
import type { api } from "../../../convex/_generated/api";
import { formatExact } from "../ui/format.ts";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import styles from "./RunPicker.module.css";

export type Run = FunctionReturnType<typeof api.reconcile.runs>["page"][number];

export function findingTotal(run: Run): number {
  return Object.values(run.findingCounts).reduce((sum, count) => sum + count, 0);
}

/** Runs, newest first: what each found is visible before it is opened. */
export function RunPicker({
  runs,
  shown,
  onPick,
}: {
  runs: Run[];
  shown: string;
  onPick: (id: string) => void;
}) {
  return (
    <nav className={styles["runs"]} aria-label="Runs">
      {runs.map((run) => (
        <button
          key={run.runId}
          type="button"
          aria-current={run.runId === shown ? "true" : undefined}
          title={formatExact(run.startedAt)}
          onClick={() => onPick(run.runId)}
        >
          <RelativeTime at={run.startedAt} />
          <span data-found={findingTotal(run) > 0 || run.status === "failed" || undefined}>
            {summary(run)}
          </span>
        </button>
      ))}
    </nav>
  );
}

function summary(run: Run): string {
  if (run.status === "running") return "comparing…";
  if (run.status === "failed") return "failed";
  const total = findingTotal(run);
  return total === 0 ? "no drift" : `${total} found`;
}
