/** One limit on time for a whole call, however many attempts are made inside it. Knows nothing of S3 or Convex. */
import { setMaxListeners } from "node:events";
import { ReelsyncError } from "../errors.ts";

/** For work without a limit of its own: the longest time a timer takes, 24 days. */
export const NO_LIMIT_MS = 2 ** 31 - 1;

export interface Deadline {
  /** Aborts when time is up or when the caller's own signal does; its reason is then a coded error. */
  readonly signal: AbortSignal;
  remainingMs: () => number;
  /** What went wrong last on the way: time that runs out then says why it did. */
  noteFailure: (error: ReelsyncError) => void;
  /** Ends it before its time. */
  end: (reason: ReelsyncError) => void;
  /** Releases the timer and the caller's signal. Call it when the work is over, in whichever way. */
  dispose: () => void;
}

export interface DeadlineOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** What is thrown when time is up. */
  expired?: () => ReelsyncError;
}

export function openDeadline({ timeoutMs, signal: callers, expired }: DeadlineOptions): Deadline {
  const controller = new AbortController();
  const endsAt = performance.now() + timeoutMs;
  let lastFailure: ReelsyncError | undefined;
  const timer = setTimeout(
    () => controller.abort(expired?.() ?? outOfTime(timeoutMs, lastFailure)),
    timeoutMs,
  );
  const onAbort = () => controller.abort(asAborted(callers?.reason));
  // One signal may cancel any number of calls; Node would take the eleventh listener for a leak.
  if (callers !== undefined) setMaxListeners(0, callers);
  if (callers?.aborted) onAbort();
  else callers?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    remainingMs: () => Math.max(0, endsAt - performance.now()),
    noteFailure: (error) => (lastFailure = error),
    end: (reason) => controller.abort(reason),
    dispose() {
      clearTimeout(timer);
      callers?.removeEventListener("abort", onAbort);
    },
  };
}

function outOfTime(timeoutMs: number, lastFailure: ReelsyncError | undefined): ReelsyncError {
  const fact = `Not finished within ${timeoutMs} ms`;
  return lastFailure === undefined
    ? new ReelsyncError("DEADLINE_EXCEEDED", fact)
    : new ReelsyncError("DEADLINE_EXCEEDED", `${fact}; ${lastFailure.code} last: ${lastFailure.message}`, {
        cause: lastFailure,
        requestId: lastFailure.requestId,
      });
}

/** An inner deadline hands the outer one's reason on; anything else came from the caller. */
function asAborted(reason: unknown): ReelsyncError {
  if (reason instanceof ReelsyncError) return reason;
  return new ReelsyncError("ABORTED", "The upload was cancelled", { cause: reason });
}
