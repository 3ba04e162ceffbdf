import { Button, Checkbox, Modal } from "@mantine/core";
import { useState } from "react";
import { formatBytes, formatCount } from "../ui/format.ts";
import styles from "./ApplyDialog.module.css";
import { findingBytes, type Finding } from "./finding.ts";
import { OverLimitStop } from "./OverLimitStop.tsx";
import type { Run } from "./RunPicker.tsx";
import { REPAIR_LABEL } from "./wording.ts";

interface Props {
  opened: boolean;
  run: Run;
  findings: Finding[];
  busy: boolean;
  onClose: () => void;
  /** Told whether it goes on although more was found than drift explains. */
  onConfirm: (overLimit: boolean) => void;
}

const CONSEQUENCE = {
  quarantine_object:
    "Copied to the quarantine folder of the same bucket, then removed from its place. Skipped if a record refers to it by then.",
  mark_record: "The record says what is wrong and players stop being sent to it. No bytes are touched.",
} as const;

/** Names every object and record before anything happens to it. */
export function ApplyDialog({ opened, ...rest }: Props) {
  return (
    <Modal opened={opened} onClose={rest.onClose} title="Apply these repairs?" size="xl">
      {/* Mounted anew each time, so that an earlier consent never counts for another selection. */}
      <Preview {...rest} />
    </Modal>
  );
}

function Preview({ run, findings, busy, onClose, onConfirm }: Omit<Props, "opened">) {
  const [agreed, setAgreed] = useState(false);
  const [overLimit, setOverLimit] = useState(false);
  const over = run.overLimit.filter((one) => findings.some(({ kind }) => kind === one.kind));
  const isStopped = over.length > 0;
  const repairs = ["quarantine_object", "mark_record"] as const;
  return (
    <div className={styles["dialog"]} data-testid="apply-dialog">
      {isStopped && <OverLimitStop over={over} agreed={overLimit} onAgree={setOverLimit} />}
      {repairs.map((repair) => {
        const group = findings.filter((finding) => finding.repair === repair);
        if (group.length === 0) return null;
        const bytes = group.reduce((sum, finding) => sum + findingBytes(finding), 0);
        return (
          <section key={repair}>
            <h3>
              {REPAIR_LABEL[repair]}:{" "}
              {formatCount(group.length, repair === "mark_record" ? "record" : "object")},{" "}
              {formatBytes(bytes)}
            </h3>
            <p>{CONSEQUENCE[repair]}</p>
            <ul>
              {group.map((finding) => (
                <li key={finding.findingId}>
                  <code>{finding.s3Key}</code>
                  <span>{formatBytes(findingBytes(finding))}</span>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      <Checkbox
        label={`I have looked at ${findings.length === 1 ? "this finding" : `these ${findings.length} findings`}`}
        checked={agreed}
        onChange={(event) => setAgreed(event.currentTarget.checked)}
      />
      <footer>
        <Button variant="default" onClick={onClose}>
          Change nothing
        </Button>
        <Button
          {...(isStopped && { color: "red.9" })}
          disabled={!agreed || (isStopped && !overLimit)}
          loading={busy}
          onClick={() => onConfirm(overLimit)}
          data-testid="confirm-apply"
        >
          Apply {formatCount(findings.length, "repair")}
          {isStopped && " all the same"}
        </Button>
      </footer>
    </div>
  );
}
