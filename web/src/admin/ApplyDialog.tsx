import { Button, Checkbox, Modal } from "@mantine/core";
import { useState } from "react";
import { formatBytes, formatCount } from "../ui/format.ts";
import styles from "./ApplyDialog.module.css";
import { findingBytes, type Finding } from "./finding.ts";
import { REPAIR_LABEL } from "./wording.ts";

interface Props {
  opened: boolean;
  findings: Finding[];
  busy: boolean;
  onClose: () => void;
  onConfirm: () => void;
}

const CONSEQUENCE = {
  quarantine_object:
    "Copied to the quarantine folder of the same bucket, then removed from its place. Skipped if a record refers to it by then.",
  mark_record: "The record says what is wrong and players stop being sent to it. No bytes are touched.",
} as const;

/** Names every object and record before anything happens to it. */
export function ApplyDialog({ opened, findings, busy, onClose, onConfirm }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Apply these repairs?" size="xl">
      {/* Mounted anew each time, so that an earlier consent never counts for another selection. */}
      <Preview findings={findings} busy={busy} onClose={onClose} onConfirm={onConfirm} />
    </Modal>
  );
}

function Preview({ findings, busy, onClose, onConfirm }: Omit<Props, "opened">) {
  const [agreed, setAgreed] = useState(false);
  const repairs = ["quarantine_object", "mark_record"] as const;
  return (
    <div className={styles["dialog"]} data-testid="apply-dialog">
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
        <Button disabled={!agreed} loading={busy} onClick={onConfirm} data-testid="confirm-apply">
          Apply {formatCount(findings.length, "repair")}
        </Button>
      </footer>
    </div>
  );
}
