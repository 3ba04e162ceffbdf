import { useMutation } from "convex/react";
import { GitCompareArrows } from "lucide-react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { useViewer } from "../shell/viewer.ts";
import { Notice } from "../ui/Notice.tsx";
import { usePages } from "../ui/usePages.ts";
import { useTitle } from "../ui/useTitle.ts";
import styles from "./Admin.module.css";
import { ReconcileReport } from "./ReconcileReport.tsx";
import { RunPicker } from "./RunPicker.tsx";
import { StartRun } from "./StartRun.tsx";
import { useAdminAction } from "./useAdminAction.ts";

const PAGE = 10;

export default function ReconcilePage() {
  useTitle("Reconcile");
  const { tenant } = useViewer();
  const { results: runs, status } = usePages(api.reconcile.runs, { tenantId: tenant.tenantId }, PAGE);
  const start = useMutation(api.reconcile.start);
  const { busy, run } = useAdminAction();
  const [chosen, setChosen] = useState<string>();
  const shown = runs.find(({ runId }) => runId === chosen) ?? runs[0];
  const isRunning = runs[0]?.status === "running" || runs[0]?.status === "applying";

  const compare = async (graceMs?: number): Promise<void> => {
    await run("The comparison", () =>
      start({ tenantId: tenant.tenantId, ...(graceMs === undefined ? {} : { graceMs }) }),
    );
    setChosen(undefined);
  };

  return (
    <>
      <header className={styles["heading"]}>
        <div>
          <h1>Reconcile</h1>
          <p>
            Compares what the bucket holds with what the records say. Nothing changes until you choose it.
          </p>
        </div>
        <StartRun busy={busy} isRunning={isRunning} onStart={(graceMs) => void compare(graceMs)} />
      </header>
      {status === "LoadingFirstPage" ? null : shown ? (
        <>
          <RunPicker runs={runs} shown={shown.runId} onPick={setChosen} />
          <ReconcileReport key={shown.runId} run={shown} />
        </>
      ) : (
        <Notice title="Never compared so far" icon={<GitCompareArrows size={24} />} testId="no-runs">
          <p>
            The first run lists every object of {tenant.name} and checks each against its record. Objects and
            uploads younger than a day are left alone: they may still be on their way.
          </p>
        </Notice>
      )}
    </>
  );
}
