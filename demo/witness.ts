/** An official Convex client that watches the session as a viewer would, and notes when it first saw each asset. */
import { ConvexClient } from "convex/browser";
import type { Timeline } from "../contract/playback.ts";
import { api } from "../convex/_generated/api.js";

export interface Witness {
  /** Resolves with the time (milliseconds since the epoch) at which the subscription first showed the asset. */
  seen(assetId: string): Promise<number>;
  close(): Promise<void>;
}

export function watchSession(
  convexUrl: string,
  sessionId: string,
  fetchToken: () => Promise<string>,
): Witness {
  // Its log lines would break the JSON on stdout, and an outage is part of the show.
  const client = new ConvexClient(convexUrl, { logger: false });
  client.setAuth(fetchToken);

  const seenAt = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();
  const unsubscribe = client.onUpdate(api.playback.timeline, { sessionId }, (timeline) => {
    const now = Date.now();
    for (const assetId of assetIds(timeline)) {
      if (seenAt.has(assetId)) continue;
      seenAt.set(assetId, now);
      waiting.get(assetId)?.(now);
      waiting.delete(assetId);
    }
  });

  return {
    seen(assetId) {
      const at = seenAt.get(assetId);
      return at === undefined ? new Promise((resolve) => waiting.set(assetId, resolve)) : Promise.resolve(at);
    },
    async close() {
      unsubscribe();
      await client.close();
    },
  };
}

function assetIds(timeline: Timeline | null): string[] {
  return (timeline?.scenes ?? []).flatMap((scene) =>
    [...scene.chunks, scene.subtitle, scene.thumbnail, scene.sourceCode].flatMap(
      (asset) => asset?.assetId ?? [],
    ),
  );
}
