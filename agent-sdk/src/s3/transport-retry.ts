/**
 * The lower of the two layers of retries, inside the AWS client: single requests. Its own standard mode knows no bound
 * but its own and spends a budget that all requests share, so the delays come from the same table as those of requests
 * to Convex. The client decides what is worth a retry, waits, and stops waiting when the call is over.
 */
import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from "@smithy/types";
import { SECOND } from "../../../contract/limits.ts";
import { retryDelayMs, type RetryPolicy } from "../resilience/retry.ts";

/** A store that asks for less is not asked again within milliseconds. */
const SLOW_DOWN_DELAY_MS = SECOND;

export function createTransportRetry(policy: RetryPolicy): RetryStrategyV2 {
  return {
    acquireInitialRetryToken: async () => tokenOf(0, 0),
    async refreshRetryTokenForRetry(token, { errorType, retryAfterHint }: RetryErrorInfo) {
      const attempt = token.getRetryCount() + 1;
      const worthIt = errorType === "TRANSIENT" || errorType === "THROTTLING";
      // The client throws the request's own error then, not this one.
      if (!worthIt || attempt >= policy.attempts) throw new Error("no further attempt");
      const baseDelayMs = errorType === "THROTTLING" ? SLOW_DOWN_DELAY_MS : policy.baseDelayMs;
      const asked = retryAfterHint === undefined ? 0 : retryAfterHint.getTime() - Date.now();
      // The layer above has longer waits; it keeps what the store asked for.
      if (asked > policy.maxDelayMs) throw new Error("the store asked for more time than this layer waits");
      return tokenOf(attempt, retryDelayMs({ ...policy, baseDelayMs }, attempt, asked));
    },
    recordSuccess: () => undefined,
  };
}

function tokenOf(retries: number, delayMs: number): RetryToken {
  return { getRetryCount: () => retries, getRetryDelay: () => delayMs };
}
