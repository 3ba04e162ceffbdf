import { Tooltip } from "@mantine/core";
import { useConvexConnectionState } from "convex/react";
import { useEffect, useState } from "react";
import { formatClock } from "../ui/format.ts";
import styles from "./RealtimeBadge.module.css";

/** A dropped socket comes back within a second or two; only a longer silence is worth the word. */
const OFFLINE_AFTER_MS = 5_000;

type Realtime = { kind: "live" } | { kind: "connecting" } | { kind: "offline"; since: number };

/** Whether what is on the screen is what the deployment holds now. */
export function RealtimeBadge() {
  const realtime = useRealtime();
  const hint =
    realtime.kind === "live"
      ? "Everything here updates by itself."
      : `${realtime.kind === "offline" ? `Offline since ${formatClock(realtime.since)}. ` : ""}What you see may be out of date. It catches up by itself.`;
  return (
    <Tooltip label={hint}>
      <span
        className={styles["badge"]}
        data-kind={realtime.kind}
        role="status"
        tabIndex={0}
        data-testid="realtime"
      >
        <span className={styles["dot"]} aria-hidden="true" />
        {realtime.kind === "live" && "Connected"}
        {realtime.kind === "connecting" && "Reconnecting"}
        {realtime.kind === "offline" && (
          <span>
            Offline<span className={styles["since"]}> since {formatClock(realtime.since)}</span>
          </span>
        )}
      </span>
    </Tooltip>
  );
}

function useRealtime(): Realtime {
  const { isWebSocketConnected } = useConvexConnectionState();
  const [lostAt, setLostAt] = useState<number>();
  const [offline, setOffline] = useState(false);
  useEffect(() => {
    if (isWebSocketConnected) return;
    const since = Date.now();
    const timer = setTimeout(() => {
      setLostAt(since);
      setOffline(true);
    }, OFFLINE_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setOffline(false);
    };
  }, [isWebSocketConnected]);
  if (isWebSocketConnected) return { kind: "live" };
  if (offline && lostAt !== undefined) return { kind: "offline", since: lostAt };
  return { kind: "connecting" };
}
