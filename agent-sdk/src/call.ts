/** What one public call carries through every layer: its deadline, its identity, and how often something was sent again. */
import { ReelsyncError } from "./errors.ts";
import { openDeadline, type Deadline } from "./resilience/deadline.ts";

export interface Call extends Deadline {
  readonly uploadId?: string;
  readonly correlationId?: string;
  /** Requests and steps repeated so far, in whichever layer. */
  retries: number;
  /** Whether it waits for the probe of an open circuit; otherwise it is told at once. */
  readonly patient: boolean;
}

export function openCall(options: {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  uploadId?: string;
  correlationId?: string;
  patient?: boolean;
}): Call {
  const deadline = openDeadline(options);
  const { patient = true } = options;
  return {
    ...deadline,
    retries: 0,
    patient,
    ...(options.uploadId !== undefined && { uploadId: options.uploadId }),
    ...(options.correlationId !== undefined && { correlationId: options.correlationId }),
  };
}

/** Ends calls that are still under way when the grace is over. */
export function endAfter(graceMs: number | undefined, calls: ReadonlySet<Call>): NodeJS.Timeout | undefined {
  if (graceMs === undefined) return undefined;
  return setTimeout(() => {
    for (const call of calls) {
      call.end(new ReelsyncError("DEADLINE_EXCEEDED", `The client was closed, and ${graceMs} ms are over`));
    }
  }, graceMs);
}
