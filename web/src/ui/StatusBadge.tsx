import styles from "./StatusBadge.module.css";

export type Tone = "ready" | "working" | "failed" | "planned" | "neutral";

interface Props {
  tone: Tone;
  children: string;
  /** A dot that breathes: something is going on right now. */
  live?: boolean;
  testId?: string;
}

/** A word with a mark in front of it: shape and text carry the meaning, colour only helps. */
export function StatusBadge({ tone, children, live = false, testId }: Props) {
  return (
    <span className={styles["badge"]} data-tone={tone} data-live={live || undefined} data-testid={testId}>
      <span className={styles["mark"]} aria-hidden="true" />
      {children}
    </span>
  );
}
