import { beforeEach, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { addTenant, deployment, intentFor, publish, shaOf } from "./world.ts";
import type { Tenant } from "./world.ts";

let acme: Tenant;
let outroId: string;

/** The session's own transcript; two scenes, the later one first, with what the timeline does not show. */
beforeEach(async () => {
  acme = await addTenant(deployment(), "acme");
  const outro = { sessionId: acme.sessionId, sceneKey: "outro", index: 1, title: "Outro" };
  outroId = (await acme.agent.mutation(api.scenes.upsert, outro)).sceneId;
  await publish(acme.agent, intentFor({ sceneId: outroId as never }, { chunkIndex: 1 }));
  await publish(acme.agent, intentFor({ sceneId: outroId as never }));
  await publish(acme.agent, intentFor(acme));
  await publish(acme.agent, intentFor(acme, { sha256: shaOf(0xbeef) }));
  const text = { assetType: "transcript", fileName: "said.json", contentType: "application/json" } as const;
  await publish(acme.agent, intentFor(acme, text));
  await publish(acme.agent, intentFor(acme, { ...text, entityType: "session", entityId: acme.sessionId }));
  await acme.agent.mutation(api.assets.begin, intentFor(acme, { chunkIndex: 1 }));
});

async function listed(numItems: number, history?: boolean) {
  const rows = [];
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<typeof ask>> = await ask(cursor);
    expect(page.page.length).toBeLessThanOrEqual(numItems);
    rows.push(...page.page);
    if (page.isDone) return rows;
    cursor = page.continueCursor;
  }
  async function ask(cursor: string | null) {
    return acme.people.viewer.query(api.assets.ofSession, {
      sessionId: acme.sessionId,
      ...(history !== undefined && { history }),
      paginationOpts: { numItems, cursor },
    });
  }
}

test("lists every current asset of the session and its scenes, by entity and slot, in pages", async () => {
  const whole = await listed(100);
  expect(await listed(2)).toEqual(whole);
  expect(whole.map((one) => [one.entityId, one.assetType, one.chunkIndex, one.version])).toEqual([
    [acme.sessionId, "transcript", 0, 1],
    [acme.sceneId, "transcript", 0, 1],
    [acme.sceneId, "video_chunk", 0, 2],
    [outroId, "video_chunk", 0, 1],
    [outroId, "video_chunk", 1, 1],
  ]);
});

test("with history it lists the versions that are not current, too", async () => {
  const current = await listed(100);
  const whole = await listed(3, true);
  expect(whole.filter((one) => one.status === "ready")).toEqual(current);
  expect(
    whole
      .filter((one) => one.status !== "ready")
      .map((one) => [one.status, one.entityId, one.chunkIndex, one.version]),
  ).toEqual([
    ["superseded", acme.sceneId, 0, 1],
    ["pending", acme.sceneId, 1, 1],
  ]);
});
