import { Button, Checkbox } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "convex/react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import type { FindingKind } from "../../../contract/reconcile.ts";
import { formatBytes, formatCount } from "../ui/format.ts";
import { usePages } from "../ui/usePages.ts";
import { ApplyDialog } from "./ApplyDialog.tsx";
import { findingBytes, isOpen, type Finding } from "./finding.ts";
import { FindingRow } from "./FindingRow.tsx";
import styles from "./Findings.module.css";
import type { Run } from "./RunPicker.tsx";
import { useAdminAction } from "./useAdminAction.ts";
import { useDeleteFreeze } from "./useDeleteFreeze.ts";

const PAGE = 50;

/** What one call of reconcile.apply takes. */
const MAX_SELECTED = 100;

interface Props {
  run: Run;
  kind: FindingKind | undefined;
  onShowAll: () => void;
}

export function Findings({ run, kind, onShowAll }: Props) {
  const { results, status, loadMore } = usePages(
    api.reconcile.findings,
    { runId: run.runId, ...(kind ? { kind } : {}) },
    PAGE,
  );
  const apply = useMutation(api.reconcile.apply);
  const { busy, run: act } = useAdminAction();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [confirming, setConfirming] = useState(false);
  const isReported = run.status !== "running";
  const deletesFrozen = Boolean(useDeleteFreeze());

  const isFrozen = (finding: Finding) =>
    deletesFrozen && isOpen(finding) && finding.repair === "quarantine_object";
  const canChoose = (finding: Finding) => isOpen(finding) && !isFrozen(finding);
  const open = results.filter(canChoose);
  const chosen = open.filter(({ findingId }) => selected.has(findingId)).slice(0, MAX_SELECTED);
  const bytes = chosen.reduce((sum, finding) => sum + findingBytes(finding), 0);
  const selectable = open.slice(0, MAX_SELECTED);

  const toggle = (id: string): void => {
    setSelected((ids) => {
      const next = new Set(ids);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  };
  const applyChosen = async (overLimit: boolean): Promise<void> => {
    const findingIds = chosen.map(({ findingId }) => findingId as string);
    const done = await act("Applying", () => apply({ runId: run.runId, findingIds, overLimit }));
    setConfirming(false);
    if (!done) return;
    setSelected(new Set());
    notifications.show({
      title: `${formatCount(findingIds.length, "repair")} under way`,
      message: "Each is checked once more before it is carried out. The list shows what became of it.",
    });
  };

  return (
    <div className={styles["findings"]}>
      <div className={styles["toolbar"]}>
        <Checkbox
          label={chosen.length > 0 ? `${chosen.length} selected · ${formatBytes(bytes)}` : "Select all shown"}
          checked={chosen.length > 0 && chosen.length === selectable.length}
          indeterminate={chosen.length > 0 && chosen.length < selectable.length}
          disabled={!isReported || open.length === 0}
          onChange={(event) =>
            setSelected(new Set(event.currentTarget.checked ? selectable.map((f) => f.findingId) : []))
          }
        />
        {kind && (
          <Button variant="subtle" size="compact-sm" onClick={onShowAll}>
            Show all kinds
          </Button>
        )}
        <Button
          ml="auto"
          disabled={chosen.length === 0}
          onClick={() => setConfirming(true)}
          data-testid="apply-selected"
        >
          Review and apply…
        </Button>
      </div>
      <ul className={styles["list"]} data-testid="findings">
        {results.map((finding) => (
          <FindingRow
            key={finding.findingId}
            finding={finding}
            isSelected={selected.has(finding.findingId) && canChoose(finding)}
            canSelect={isReported && canChoose(finding)}
            isFrozen={isFrozen(finding)}
            onToggle={() => toggle(finding.findingId)}
          />
        ))}
      </ul>
      {status !== "Exhausted" && status !== "LoadingFirstPage" && (
        <Button variant="default" mt="md" loading={status === "LoadingMore"} onClick={() => loadMore(PAGE)}>
          Show more findings
        </Button>
      )}
      <ApplyDialog
        opened={confirming}
        run={run}
        findings={chosen}
        busy={busy}
        onClose={() => setConfirming(false)}
        onConfirm={(overLimit) => void applyChosen(overLimit)}
      />
    </div>
  );
}
