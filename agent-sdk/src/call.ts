/** What one public call carries through every layer: its deadline, its identity, and how often something was sent again. */
import { openDeadline, type Deadline } from "./resilience/deadline.ts";

export interface Call extends Deadline {
  readonly uploadId?: string;
  /** Requests and steps repeated so far, in whichever layer. */
  retries: number;
}

export function openCall(options: {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  uploadId?: string;
}): Call {
  const deadline = openDeadline(options);
  return { ...deadline, retries: 0, ...(options.uploadId !== undefined && { uploadId: options.uploadId }) };
}
