import styles from "./ReadinessBar.module.css";

interface Props {
  ready: number;
  failed: number;
  total: number;
  live: boolean;
}

/** Beyond this many, single scenes would be thinner than their gaps. */
const MAX_SEGMENTS = 40;

/** A session at a glance, one segment a scene. Its text stands beside it, so it says nothing to screen readers. */
export function ReadinessBar({ ready, failed, total, live }: Props) {
  const scale = total > MAX_SEGMENTS ? MAX_SEGMENTS / total : 1;
  const shown = Math.max(1, Math.round(total * scale));
  const readyUpTo = Math.round(ready * scale);
  const failedUpTo = readyUpTo + Math.round(failed * scale);
  return (
    <span className={styles["bar"]} aria-hidden="true">
      {Array.from({ length: shown }, (_, i) => (
        <span
          key={i}
          data-kind={
            total === 0
              ? "planned"
              : i < readyUpTo
                ? "ready"
                : i < failedUpTo
                  ? "failed"
                  : live && i === failedUpTo
                    ? "rendering"
                    : "planned"
          }
        />
      ))}
    </span>
  );
}
