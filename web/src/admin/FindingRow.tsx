import { Checkbox } from "@mantine/core";
import { Bytes } from "../ui/Bytes.tsx";
import { Copyable } from "../ui/Copyable.tsx";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import { StatusBadge } from "../ui/StatusBadge.tsx";
import styles from "./FindingRow.module.css";
import type { Finding } from "./finding.ts";
import { FINDING_STATES, KIND_LABEL, REPAIR_LABEL } from "./wording.ts";

interface Props {
  finding: Finding;
  isSelected: boolean;
  canSelect: boolean;
  /** Open, but deletes are frozen. */
  isFrozen: boolean;
  onToggle: () => void;
}

export function FindingRow({ finding, isSelected, canSelect, isFrozen, onToggle }: Props) {
  const state = isFrozen ? "frozen" : finding.state;
  const { label, tone, live } = FINDING_STATES[state] ?? { label: state, tone: "neutral" };
  return (
    <li
      className={styles["row"]}
      data-testid="finding"
      data-kind={finding.kind}
      data-state={finding.state}
      data-selected={isSelected || undefined}
    >
      <Checkbox
        aria-label={`Select ${finding.s3Key}`}
        checked={isSelected}
        disabled={!canSelect}
        onChange={onToggle}
      />
      <div className={styles["what"]}>
        <Copyable value={finding.s3Key} label="object key" wrap />
        <p className={styles["reason"]}>{finding.reason}</p>
        {finding.note && <p className={styles["note"]}>{finding.note}</p>}
      </div>
      <div className={styles["facts"]}>
        <strong>{KIND_LABEL[finding.kind]}</strong>
        <Sizes finding={finding} />
        {finding.lastModified !== undefined && <RelativeTime at={finding.lastModified} />}
      </div>
      <div className={styles["outcome"]}>
        <span>{REPAIR_LABEL[finding.repair]}</span>
        <StatusBadge tone={tone} live={live ?? false}>
          {label}
        </StatusBadge>
      </div>
    </li>
  );
}

function Sizes({ finding: { objectSize, recordSize } }: { finding: Finding }) {
  if (objectSize !== undefined && recordSize !== undefined) {
    return (
      <span>
        <Bytes value={objectSize} /> stored, <Bytes value={recordSize} /> recorded
      </span>
    );
  }
  const size = objectSize ?? recordSize;
  return size === undefined ? null : <Bytes value={size} />;
}
