import { useClipboard } from "@mantine/hooks";
import { Check, Copy } from "lucide-react";
import styles from "./Copyable.module.css";

interface Props {
  value: string;
  /** What it is, for the button's name: "object key". */
  label: string;
  /** Shown instead of the whole value. */
  children?: string;
  wrap?: boolean;
}

/** A value for machines, with a button to copy it. */
export function Copyable({ value, label, children, wrap = false }: Props) {
  const clipboard = useClipboard({ timeout: 1500 });
  return (
    <span className={styles["copyable"]} data-wrap={wrap || undefined}>
      <code title={value}>{children ?? value}</code>
      <button
        type="button"
        onClick={() => clipboard.copy(value)}
        aria-label={clipboard.copied ? `${label} copied` : `Copy ${label}`}
        data-copied={clipboard.copied || undefined}
      >
        {clipboard.copied ? <Check size={14} /> : <Copy size={14} />}
      </button>
    </span>
  );
}
