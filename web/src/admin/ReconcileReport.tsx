import { CircleCheck, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { HOUR, MINUTE, SECOND } from "../../../contract/limits.ts";
import type { FindingKind } from "../../../contract/reconcile.ts";
import { Bytes } from "../ui/Bytes.tsx";
import { formatCount, formatExact } from "../ui/format.ts";
import { Notice } from "../ui/Notice.tsx";
import styles from "./ReconcileReport.module.css";
import { Findings } from "./Findings.tsx";
import { findingTotal, type Run } from "./RunPicker.tsx";
import { FINDING_KINDS } from "./wording.ts";

/** One run: how far it is, what it found by kind, and the findings themselves. Live all the way. */
export function ReconcileReport({ run }: { run: Run }) {
  const [kind, setKind] = useState<FindingKind>();
  const total = findingTotal(run);
  return (
    <section aria-label="Report" data-testid="reconcile-report" data-status={run.status}>
      <Progress run={run} />
      {run.status === "failed" && (
        <Notice title="This run did not finish" tone="failed" icon={<TriangleAlert size={24} />}>
          <p>{run.error}</p>
          <p>Nothing was changed. Start another one.</p>
        </Notice>
      )}
      {(run.status !== "failed" || total > 0) && (
        <div className={styles["tiles"]}>
          {FINDING_KINDS.map((entry) => {
            const count = run.findingCounts[entry.kind];
            return (
              <button
                key={entry.kind}
                type="button"
                className={styles["tile"]}
                data-found={count > 0 || undefined}
                data-testid={`tile-${entry.kind}`}
                aria-pressed={kind === entry.kind}
                disabled={count === 0}
                onClick={() => setKind(kind === entry.kind ? undefined : entry.kind)}
              >
                <span className={styles["label"]}>{entry.label}</span>
                <span className={styles["count"]}>{new Intl.NumberFormat().format(count)}</span>
                <span className={styles["meaning"]}>
                  {count > 0 ? <Bytes value={run.bytes[entry.kind]} /> : entry.meaning}
                </span>
              </button>
            );
          })}
        </div>
      )}
      {total > 0 ? (
        <Findings key={kind ?? "all"} run={run} kind={kind} onShowAll={() => setKind(undefined)} />
      ) : (
        run.status !== "running" &&
        run.status !== "failed" && (
          <Notice title="No drift" icon={<CircleCheck size={24} />} testId="no-drift">
            <p>
              Checked {formatCount(run.objectsSeen, "object")} against{" "}
              {formatCount(run.recordsSeen, "record")}
              {run.finishedAt !== undefined && ` at ${formatExact(run.finishedAt)}`}. Bucket and records
              agree.
            </p>
          </Notice>
        )
      )}
    </section>
  );
}

function Progress({ run }: { run: Run }) {
  const isRunning = run.status === "running";
  return (
    <div className={styles["progress"]} role="status" aria-live="polite">
      {isRunning && <span className={styles["bar"]} aria-hidden="true" />}
      <p>
        {isRunning ? "Comparing: " : "Compared "}
        {formatCount(run.objectsSeen, "object")} and {formatCount(run.recordsSeen, "record")}
        {isRunning ? " so far" : ""}
        {run.finishedAt !== undefined && ` in ${spanText(run.finishedAt - run.startedAt)}`}.{" "}
        {run.graceMs > 0
          ? `What was younger than ${spanText(run.graceMs)} was left alone.`
          : "Nothing was left out for being young."}
      </p>
    </div>
  );
}

function spanText(ms: number): string {
  if (ms >= HOUR) return formatCount(Math.round(ms / HOUR), "hour");
  if (ms >= MINUTE) return formatCount(Math.round(ms / MINUTE), "minute");
  return ms < SECOND ? "less than a second" : formatCount(Math.round(ms / SECOND), "second");
}
