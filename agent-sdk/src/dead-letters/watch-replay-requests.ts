/** Replays what an admin asks for, as soon as it is asked, one letter after the other, for as long as it is open. */
import { api } from "../../../convex/_generated/api.js";
import type { AgentTokens } from "../convex/agent-token.ts";
import { openLiveClient } from "../convex/live-client.ts";
import type { DeadLetters } from "./dead-letters.ts";

export interface Watch {
  close: () => Promise<void>;
}

export function watchReplayRequests(options: {
  convexUrl: string;
  tokens: AgentTokens;
  letters: DeadLetters;
  replay: (id: string) => Promise<unknown>;
}): Watch {
  const { convexUrl, tokens, letters, replay } = options;
  const asked = new Set<string>();
  let queue = Promise.resolve();
  const warn = (error: unknown) => letters.warn("watching for replay requests", error);

  function replayInTurn(deadLetterId: string): void {
    if (asked.has(deadLetterId)) return;
    asked.add(deadLetterId);
    queue = queue
      .then(() => replay(deadLetterId))
      // Already told through events and on the letter itself.
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => asked.delete(deadLetterId));
  }

  async function subscribe(): Promise<() => Promise<void>> {
    const client = await openLiveClient(convexUrl);
    client.setAuth(async ({ forceRefreshToken }) => {
      try {
        const current = await tokens.get();
        if (!forceRefreshToken) return current.token;
        tokens.discard(current.token);
        return (await tokens.get()).token;
      } catch (error) {
        warn(error);
        return null;
      }
    });
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
      const unsubscribe = await subscribed.catch(() => undefined);
      await unsubscribe?.();
      await queue;
    },
  };
}
