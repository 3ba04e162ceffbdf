/**
 * Replays what an admin asks for, as soon as it is asked, one letter after the other, for as long as it is open. What
 * cannot be claimed is tried again while it is asked for; how a replay ends is told by its letter and as an event.
 */
import { setMaxListeners } from "node:events";
import { api } from "../../../convex/_generated/api.js";
import type { AgentTokens } from "../convex/agent-token.ts";
import { openLiveClient, signIn } from "../convex/live-client.ts";
import { retryDelayMs, wait, type RetryPolicy } from "../resilience/retry.ts";
import type { DeadLetters } from "./dead-letters.ts";

export interface Watch {
  /** Begins no replay any more and waits for the one under way; the client's `close` bounds that by its grace. */
  close: () => Promise<void>;
}

export function watchReplayRequests(options: {
  convexUrl: string;
  tokens: AgentTokens;
  letters: DeadLetters;
  replayRequested: (id: string) => Promise<void>;
  policy: RetryPolicy;
}): Watch {
  const { convexUrl, tokens, letters, replayRequested, policy } = options;
  const closing = new AbortController();
  // One listener for each letter that is put off.
  setMaxListeners(0, closing.signal);
  /** Those whose turn is still to come; one that is asked for again while it is replayed comes again. */
  const asked = new Set<string>();
  let queue = Promise.resolve();
  const warn = (error: unknown) => letters.warn("watching for replay requests", error);

  function replayInTurn(id: string, failures = 0): void {
    if (asked.has(id) || closing.signal.aborted) return;
    asked.add(id);
    const delayMs = failures === 0 ? 0 : retryDelayMs(policy, Math.min(failures, 20));
    wait(delayMs, closing.signal).then(
      () => (queue = queue.then(() => attempt(id, failures))),
      () => undefined,
    );
  }

  async function attempt(id: string, failures: number): Promise<void> {
    asked.delete(id);
    if (closing.signal.aborted) return;
    await replayRequested(id).catch((error: unknown) => {
      letters.warn(`claiming dead letter ${id}`, error);
      replayInTurn(id, failures + 1);
    });
  }

  async function subscribe(): Promise<() => Promise<void>> {
    const client = await openLiveClient(convexUrl);
    signIn(client, tokens, warn);
    const stop = client.onUpdate(
      api.deadLetters.replayRequests,
      { agent: letters.agent },
      (rows) => rows.forEach(({ deadLetterId }) => replayInTurn(deadLetterId)),
      warn,
    );
    return () => {
      stop();
      return client.close();
    };
  }

  const subscribed = subscribe();
  subscribed.catch(warn);
  return {
    async close() {
      closing.abort();
      const unsubscribe = await subscribed.catch(() => undefined);
      await unsubscribe?.();
      await queue;
    },
  };
}
