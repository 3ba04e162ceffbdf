import { Button } from "@mantine/core";
import { useMutation } from "convex/react";
import { GitCompareArrows, Snowflake } from "lucide-react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { useViewer } from "../shell/viewer.ts";
import { Notice } from "../ui/Notice.tsx";
import { usePages } from "../ui/usePages.ts";
import { useTitle } from "../ui/useTitle.ts";
import styles from "./Admin.module.css";
import { FreezeBanner } from "./FreezeBanner.tsx";
import { FreezeDialog, type FreezeStep } from "./FreezeDialog.tsx";
import { ReconcileReport } from "./ReconcileReport.tsx";
import { RunPicker } from "./RunPicker.tsx";
import { StartRun } from "./StartRun.tsx";
import { useAdminAction } from "./useAdminAction.ts";
import { useDeleteFreeze } from "./useDeleteFreeze.ts";

const PAGE = 10;

export default function ReconcilePage() {
  useTitle("Reconcile");
  const { tenant } = useViewer();
  const { results: runs, status } = usePages(api.reconcile.runs, { tenantId: tenant.tenantId }, PAGE);
  const start = useMutation(api.reconcile.start);
  const { busy, run } = useAdminAction();
  const freeze = useDeleteFreeze();
  const [step, setStep] = useState<FreezeStep>();
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
        <div className={styles["actions"]}>
          <StartRun busy={busy} isRunning={isRunning} onStart={(graceMs) => void compare(graceMs)} />
          {freeze === null && (
            <Button
              variant="subtle"
              color="gray"
              leftSection={<Snowflake size={16} />}
              onClick={() => setStep("freeze")}
              className={styles["quiet"]}
              data-testid="freeze"
            >
              Freeze deletes…
            </Button>
          )}
        </div>
      </header>
      {freeze && <FreezeBanner freeze={freeze} onThaw={() => setStep("thaw")} />}
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
      <FreezeDialog step={step} onClose={() => setStep(undefined)} />
    </>
  );
}
