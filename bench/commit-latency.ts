/** From a mutation's commit to the callback of a subscriber on another official client, over real sockets. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import type { ReelsyncStack } from "../demo/stack.ts";
import { api } from "../convex/_generated/api.js";
import { percentile } from "./measure.ts";

const COMMITS = 300;

export async function benchCommitLatency(stack: ReelsyncStack): Promise<void> {
  const writer = new ConvexHttpClient(stack.local.deployment.url, { auth: await stack.tokenFor("ada") });
  const reader = new ConvexClient(stack.local.deployment.url);
  reader.setAuth(() => stack.tokenFor("vera"));
  const { sessionId } = await writer.mutation(api.sessions.create, {
    title: "latency",
    project: "bench",
    sessionKey: `latency ${crypto.randomUUID()}`,
  });

  const seen = new Map<string, () => void>();
  reader.onUpdate(api.playback.timeline, { sessionId }, (timeline) => {
    for (const scene of timeline?.scenes ?? []) seen.get(scene.title)?.();
  });

  const fromCall: number[] = [];
  const fromAnswer: number[] = [];
  for (let commit = 0; commit < COMMITS; commit += 1) {
    const title = `take ${commit}`;
    let seenAt = 0;
    const arrived = new Promise<void>((resolve) =>
      seen.set(title, () => {
        seenAt = performance.now();
        seen.delete(title);
        resolve();
      }),
    );
    const calledAt = performance.now();
    await writer.mutation(api.scenes.upsert, { sessionId, sceneKey: "one", index: 0, title });
    const answeredAt = performance.now();
    await arrived;
    fromCall.push(seenAt - calledAt);
    fromAnswer.push(Math.max(0, seenAt - answeredAt));
  }
  await reader.close();

  console.log(`\nCommit → subscriber callback (${COMMITS} commits, one at a time)`);
  const row = (values: number[]) => ({
    "p50 ms": Number(percentile(values, 0.5).toFixed(1)),
    "p95 ms": Number(percentile(values, 0.95).toFixed(1)),
  });
  console.table({
    "mutation called → callback": row(fromCall),
    "mutation answered → callback": row(fromAnswer),
  });
}
