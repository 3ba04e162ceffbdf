import { formatExact, formatRelative } from "./format.ts";
import { useNow } from "./useNow.ts";

/** "4 minutes ago", the exact moment on hover. */
export function RelativeTime({ at }: { at: number }) {
  const now = useNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={formatExact(at)}>
      {formatRelative(at, Math.max(now, at))}
    </time>
  );
}
