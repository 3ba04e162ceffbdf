import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { addTenant, beginOpen, deployment, intentFor, publish, storedAs } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

const hidden = (over: Parameters<typeof intentFor>[1] = {}) =>
  intentFor(acme, { historyOnly: true, ...over });

/** All that viewers and the session's totals show; the rows of assets themselves aside. */
async function shown(): Promise<unknown> {
  return t.run(async (ctx) => [
    await ctx.db.query("scenes").take(10),
    await ctx.db.query("sessions").take(10),
  ]);
}

async function versions() {
  const { page } = await acme.agent.query(api.scenes.versions, {
    sceneId: acme.sceneId,
    assetType: "video_chunk",
    paginationOpts: { numItems: 10, cursor: null },
  });
  return page.map(({ version, status, historyOnly }) => [version, status, historyOnly ?? false]);
}

describe("a version for history only", () => {
  test("[G4] is recorded beside the current one, and nothing that is shown moves at any step", async () => {
    await publish(acme.agent, intentFor(acme));
    const before = await shown();
    const intent = hidden({ size: 400 });
    const { assetId, version } = await beginOpen(acme.agent, intent);
    expect(await shown()).toEqual(before);
    await acme.agent.mutation(api.assets.uploading, { assetId });
    expect(await shown()).toEqual(before);
    const answer = await acme.agent.mutation(api.assets.commit, { assetId, object: storedAs(intent) });
    expect(answer).toEqual({ assetId, status: "superseded", version });
    expect(await shown()).toEqual(before);
    expect(await versions()).toEqual([
      [2, "superseded", true],
      [1, "ready", false],
    ]);
  });

  test("in a slot that holds nothing leaves it holding nothing", async () => {
    const before = await shown();
    expect(await publish(acme.agent, hidden())).toMatchObject({ committed: { status: "superseded" } });
    expect(await shown()).toEqual(before);
  });

  test("[G4] does not fence older uploads, not even once its object is lost", async () => {
    const intent = intentFor(acme);
    const { assetId } = await beginOpen(acme.agent, intent);
    const newer = await publish(acme.agent, hidden());
    await t.run((ctx) => ctx.db.patch("assets", newer.assetId, { status: "missing" }));
    const late = await acme.agent.mutation(api.assets.commit, { assetId, object: storedAs(intent) });
    expect(late).toMatchObject({ status: "ready", version: 1 });
  });

  test("a failure of it is its own: the scene shows none", async () => {
    await publish(acme.agent, intentFor(acme));
    const before = await shown();
    const { assetId } = await beginOpen(acme.agent, hidden());
    await acme.agent.mutation(api.assets.fail, { assetId, code: "S3_UNAVAILABLE", message: "down" });
    expect(await shown()).toEqual(before);
    expect(await versions()).toContainEqual([2, "error", true]);
  });

  test("is no upload in flight to a scene whose others are done", async () => {
    await beginOpen(acme.agent, hidden());
    await publish(acme.agent, intentFor(acme));
    const scene = await acme.agent.query(api.scenes.get, { sceneId: acme.sceneId });
    expect(scene).toMatchObject({ assetsStatus: "ready" });
  });

  test("[G3] repeated with a new call, it is found and sends no bytes", async () => {
    const first = hidden();
    const { assetId } = await publish(acme.agent, first);
    const again = await beginOpen(acme.agent, hidden({ sha256: first.sha256 }));
    expect(again).toMatchObject({ assetId, status: "superseded", deduped: true });
  });

  test("content that is current already needs no row of its own, and changes nothing", async () => {
    const current = intentFor(acme);
    const { assetId } = await publish(acme.agent, current);
    const before = await shown();
    const again = await beginOpen(acme.agent, hidden({ sha256: current.sha256 }));
    expect(again).toMatchObject({ assetId, status: "ready", deduped: true });
    expect(await shown()).toEqual(before);
  });

  test.each([
    ["in flight", false],
    ["recorded", true],
  ])("is not what a call that is to be shown joins while it is %s", async (_state, committed) => {
    const first = hidden();
    const opened = await beginOpen(acme.agent, first);
    if (committed) {
      await acme.agent.mutation(api.assets.commit, { assetId: opened.assetId, object: storedAs(first) });
    }
    const published = await publish(acme.agent, intentFor(acme, { sha256: first.sha256 }));
    expect(published).toMatchObject({ version: 2, committed: { status: "ready" } });
  });

  test("does not join an upload in flight that is to be shown", async () => {
    const shownSoon = intentFor(acme);
    await beginOpen(acme.agent, shownSoon);
    const before = await shown();
    await publish(acme.agent, hidden({ sha256: shownSoon.sha256 }));
    expect(await shown()).toEqual(before);
  });
});
