/** The order of the layers around a dependency: attempts under one deadline, each through the dependency's breaker. */
import type { Call } from "../call.ts";
import type { Dependency, Events } from "../events.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import { retry, type Retry, type RetryPolicy } from "./retry.ts";

export type Guard = <T>(call: Call, operation: string, attempt: () => Promise<T>) => Promise<T>;

export function createGuard(
  dependency: Dependency,
  breaker: CircuitBreaker,
  policy: RetryPolicy,
  events: Events,
): Guard {
  const report = reportRetries(dependency, events);
  return (call, operation, attempt) =>
    retry(policy, () => breaker.run(attempt, call.signal, call.patient), {
      signal: call.signal,
      remainingMs: call.remainingMs,
      onRetry: report(call, operation),
      repeats: ({ code }) => call.patient || code !== "CIRCUIT_OPEN",
    });
}

/** Counts every retry of a call and tells the listeners. */
export function reportRetries(dependency: Dependency, events: Events) {
  return (call: Call, operation: string) =>
    ({ attempt, delayMs, error }: Retry): void => {
      call.retries += 1;
      events.emit({
        type: "retry",
        dependency,
        operation,
        ...(call.uploadId !== undefined && { uploadId: call.uploadId }),
        ...(call.correlationId !== undefined && { correlationId: call.correlationId }),
        attempt,
        delayMs,
        code: error.code,
      });
    };
}
