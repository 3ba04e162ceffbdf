import { getFunctionName } from "convex/server";
import { expect, test } from "vitest";
import type { AssetIntent } from "../../contract/asset.ts";
import { openCall } from "../../agent-sdk/src/call.ts";
import type { CallConvex } from "../../agent-sdk/src/convex/convex-caller.ts";
import { createRecords } from "../../agent-sdk/src/convex/records.ts";
import { ReelsyncError } from "../../agent-sdk/src/errors.ts";
import { createEvents } from "../../agent-sdk/src/events.ts";
import { createCircuitBreaker } from "../../agent-sdk/src/resilience/circuit-breaker.ts";
import { createGuard } from "../../agent-sdk/src/resilience/guard.ts";

interface Sent {
  name: string;
  args: { items?: { assetId: string }[]; uploadIds?: string[]; assetId?: string; uploadId?: string };
}

/** A deployment that records commits, and answers as the test says. */
function deployment(loses: (sent: Sent) => boolean) {
  const sent: Sent[] = [];
  const recorded = new Map<string, number>();
  const convex = (async (_kind: unknown, reference: never, args: Sent["args"]) => {
    // Answers take a while, so that calls made together meet.
    await new Promise((resolve) => setImmediate(resolve));
    const one = { name: getFunctionName(reference), args };
    sent.push(one);
    const lost = loses(one);
    const commit = (assetId: string) => {
      recorded.set(assetId, (recorded.get(assetId) ?? 0) + 1);
      return { ok: true, assetId, status: "ready", version: 1 };
    };
    const row = (uploadId: string) => (recorded.has(uploadId) ? { status: "ready", version: 1 } : null);
    const answer =
      args.items?.map(({ assetId }) => commit(assetId)) ??
      args.uploadIds?.map(row) ??
      (args.uploadId === undefined ? commit(args.assetId ?? "") : row(args.uploadId));
    if (lost) throw new ReelsyncError("CONVEX_UNAVAILABLE", "The reply never came");
    return answer;
  }) as unknown as CallConvex;
  const policy = { attempts: 3, baseDelayMs: 1, maxDelayMs: 1 };
  const breaker = createCircuitBreaker({ name: "convex" });
  return {
    sent,
    recorded,
    records: createRecords(convex, createGuard("convex", breaker, policy, createEvents())),
  };
}

const commitAll = (records: ReturnType<typeof createRecords>, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) => {
      const id = `upload ${index}`;
      const object = { bucket: "b", etag: "e", size: 1 };
      const call = openCall({ timeoutMs: 10_000 });
      return records.commit({ uploadId: id } as AssetIntent, { assetId: id, object }, call);
    }),
  );

test("[G3] commits whose batch was never answered are read back together and not said again", async () => {
  const { sent, recorded, records } = deployment(({ name }) => name === "assets:commitBatch");
  const answers = await commitAll(records, 30);
  expect(answers).toEqual(new Array(30).fill({ state: "ready", version: 1 }));
  expect(sent.map(({ name }) => name).filter((name) => name.startsWith("assets:commit"))).toEqual([
    "assets:commit",
    "assets:commitBatch",
  ]);
  expect(
    sent.filter(({ name }) => name === "assets:byUploads").flatMap(({ args }) => args.uploadIds).length,
  ).toBeGreaterThan(0);
  expect([...recorded.values()]).toEqual(new Array(30).fill(1));
});

test("[G1] what the read-back does not find is committed again", async () => {
  let breaks = 1;
  const { recorded, records } = deployment(({ name }) => {
    // Lost on the way there: nothing was recorded.
    if (name === "assets:commitBatch" && breaks-- > 0) {
      throw new ReelsyncError("CONVEX_UNAVAILABLE", "The connection broke");
    }
    return false;
  });
  const answers = await commitAll(records, 10);
  expect(answers).toHaveLength(10);
  expect(recorded.size).toBe(10);
});
