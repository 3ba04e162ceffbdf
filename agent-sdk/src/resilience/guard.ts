/** The order of the layers around a dependency: attempts under one deadline, each through the dependency's breaker. */
import type { Call } from "../call.ts";
import type { Dependency, Events } from "../events.ts";
import { circuitOpen, type CircuitBreaker } from "./circuit-breaker.ts";
import { retry, type Retry, type RetryPolicy } from "./retry.ts";

export type Guard = <T>(call: Call, operation: string, attempt: () => Promise<T>) => Promise<T>;

export function createGuard(
  dependency: Dependency,
  breaker: CircuitBreaker,
  policy: RetryPolicy,
  events: Events,
): Guard {
  const report = reportRetries(dependency, events);
  const run = <T>(call: Call, attempt: () => Promise<T>) => {
    // What it waits for is what keeps it, should its time run out meanwhile.
    if (breaker.state.kind === "open") call.noteFailure(circuitOpen(breaker));
    return breaker.run(attempt, call.signal, call.patient);
  };
  return (call, operation, attempt) =>
    retry(policy, () => run(call, attempt), {
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
      call.noteFailure(error);
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
