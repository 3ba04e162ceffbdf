import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { DeadLetter } from "../../contract/dead-letter.ts";
import type { AssetIntent } from "../../contract/asset.ts";
import { addTenant, beginOpen, deployment, intentFor, publish, refusalOf, storedAs } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

const MINUTE_MS = 60_000;

/** A call of that age; each from a machine of its own unless it names one. */
const aged = (ageMs: number, clock = `machine ${(machines += 1)}`, tick = 0) => ({
  made: { ageMs, clock, tick },
});
let machines = 0;

async function begin(intent: AssetIntent, ageMs = 0) {
  return beginOpen(acme.agent, { ...intent, ...aged(ageMs) });
}

async function commit(intent: AssetIntent, assetId: string) {
  return acme.agent.mutation(api.assets.commit, { assetId, object: storedAs(intent) });
}

async function current() {
  const timeline = await acme.people.viewer.query(api.playback.timeline, { sessionId: acme.sessionId });
  return timeline?.scenes[0]?.chunks[0];
}

function letterFor(intent: AssetIntent): DeadLetter {
  return { intent, code: "CONVEX_UNAVAILABLE", message: "down", step: "begin", attempts: 3, agent: "box" };
}

describe("[G4] what was asked for later is what a slot shows", () => {
  test("a call that first arrives after newer content was committed goes to history", async () => {
    const newer = await publish(acme.agent, intentFor(acme));
    const old = intentFor(acme);
    const { assetId } = await begin(old, MINUTE_MS);
    expect(await commit(old, assetId)).toMatchObject({ status: "superseded", version: 2 });
    expect(await current()).toMatchObject({ assetId: newer.assetId, version: 1 });
    const session = await acme.agent.query(api.sessions.get, { sessionId: acme.sessionId });
    expect(session).toMatchObject({ assetCount: 1, totalAssetSize: 1000 });
  });

  test("committed first, it gives way to the newer call that began before it, under a higher number", async () => {
    const newer = intentFor(acme, { size: 300 });
    const old = intentFor(acme, { size: 500 });
    const first = await begin(newer);
    const late = await begin(old, MINUTE_MS);
    expect(await commit(old, late.assetId)).toMatchObject({ status: "ready", version: 2 });
    const answer = await commit(newer, first.assetId);
    expect(answer).toEqual({ assetId: first.assetId, status: "ready", version: 3 });
    expect(await commit(newer, first.assetId)).toEqual(answer);
    expect(await current()).toMatchObject({ assetId: first.assetId, version: 3 });
    const scene = await acme.agent.query(api.scenes.get, { sceneId: acme.sceneId });
    expect(scene).toMatchObject({ assetVersion: 3 });
    const session = await acme.agent.query(api.sessions.get, { sessionId: acme.sessionId });
    expect(session).toMatchObject({ assetCount: 1, totalAssetSize: 300 });
  });

  test("an upload that was given up and comes back after an older one is still the newer one", async () => {
    const newer = intentFor(acme);
    const { assetId } = await begin(newer);
    await acme.agent.mutation(api.assets.fail, { assetId, code: "S3_UNAVAILABLE", message: "down" });
    const old = intentFor(acme);
    await commit(old, (await begin(old, MINUTE_MS)).assetId);
    await begin(newer);
    expect(await commit(newer, assetId)).toMatchObject({ status: "ready", version: 3 });
    expect(await current()).toMatchObject({ assetId });
  });

  test("a dead letter that never began is as old as its call, whoever replays it", async () => {
    const old = intentFor(acme);
    await acme.agent.mutation(api.deadLetters.record, { ...letterFor(old), ...aged(MINUTE_MS) });
    const newer = await publish(acme.agent, intentFor(acme));
    // Another process: it cannot know when the call was made.
    expect(await publish(acme.agent, old)).toMatchObject({ committed: { status: "superseded" } });
    expect(await current()).toMatchObject({ assetId: newer.assetId });
  });

  test("a letter delivered late is as old as it says, and never gets younger", async () => {
    const newer = await publish(acme.agent, intentFor(acme));
    const old = intentFor(acme);
    for (const ageMs of [MINUTE_MS, 0]) {
      await acme.agent.mutation(api.deadLetters.record, { ...letterFor(old), ...aged(ageMs) });
    }
    expect(await publish(acme.agent, old)).toMatchObject({ committed: { status: "superseded" } });
    expect(await current()).toMatchObject({ assetId: newer.assetId });
  });

  test.each(["pending", "given up"])(
    "a begin that was held up on its way is corrected while %s",
    async (state) => {
      const newer = await publish(acme.agent, intentFor(acme));
      const old = intentFor(acme);
      // Said it was new when it was sent, and arrived a minute later.
      const { assetId } = await begin(old, 0);
      if (state === "given up") {
        await acme.agent.mutation(api.assets.fail, { assetId, code: "S3_UNAVAILABLE", message: "down" });
      }
      await begin(old, MINUTE_MS);
      expect(await commit(old, assetId)).toMatchObject({ status: "superseded" });
      expect(await current()).toMatchObject({ assetId: newer.assetId });
    },
  );

  test("asking again for what is shown makes it newer than a call made in between", async () => {
    const shown = intentFor(acme);
    await begin(shown, 2 * MINUTE_MS).then(({ assetId }) => commit(shown, assetId));
    await begin(intentFor(acme, { sha256: shown.sha256 }));
    const between = intentFor(acme);
    const { assetId } = await begin(between, MINUTE_MS);
    expect(await commit(between, assetId)).toMatchObject({ status: "superseded" });
  });

  test("a version is as new as the newest call that asked for it", async () => {
    const old = intentFor(acme);
    const opened = await begin(old, 2 * MINUTE_MS);
    await begin(intentFor(acme, { sha256: old.sha256 }));
    const between = intentFor(acme);
    const late = await begin(between, MINUTE_MS);
    expect(await commit(between, late.assetId)).toMatchObject({ status: "ready" });
    // The first call comes again, older than ever: the second one's wish stands.
    await begin(old, 3 * MINUTE_MS);
    expect(await commit(old, opened.assetId)).toMatchObject({ status: "ready" });
  });

  test("the failure of a call that newer content has overtaken is no failure of the scene", async () => {
    await publish(acme.agent, intentFor(acme));
    const { assetId } = await begin(intentFor(acme), MINUTE_MS);
    await acme.agent.mutation(api.assets.fail, { assetId, code: "S3_UNAVAILABLE", message: "down" });
    const scene = await acme.agent.query(api.scenes.get, { sceneId: acme.sceneId });
    expect(scene).toMatchObject({ assetsStatus: "ready" });
  });

  test("calls of one machine are ordered by its own clock, however long their messages took", async () => {
    const [older, newer] = [intentFor(acme), intentFor(acme)];
    const say = (intent: AssetIntent, ageMs: number, tick: number) =>
      beginOpen(acme.agent, { ...intent, ...aged(ageMs, "one box", tick) });
    // Measured from when it was sent, the older one looks younger: its message was held up.
    const first = await say(older, 0, 1);
    const second = await say(newer, MINUTE_MS, 2);
    expect(await commit(newer, second.assetId)).toMatchObject({ status: "ready" });
    expect(await commit(older, first.assetId)).toMatchObject({ status: "superseded" });
  });

  test("and still are when their letters were all that arrived", async () => {
    const [older, newer] = [intentFor(acme), intentFor(acme)];
    const park = (intent: AssetIntent, ageMs: number, tick: number) =>
      acme.agent.mutation(api.deadLetters.record, { ...letterFor(intent), ...aged(ageMs, "one box", tick) });
    await park(older, 0, 1);
    await park(newer, MINUTE_MS, 2);
    expect(await publish(acme.agent, newer)).toMatchObject({ committed: { status: "ready" } });
    expect(await publish(acme.agent, older)).toMatchObject({ committed: { status: "superseded" } });
  });

  test("in a batch as alone", async () => {
    const [old, newer] = [intentFor(acme), intentFor(acme)];
    const items = [newer, { ...old, ...aged(MINUTE_MS) }];
    const begun = await acme.agent.mutation(api.assets.beginBatch, { items });
    const ids = begun.map((one) => (one.ok && one.status !== "hash_first" ? one.assetId : ""));
    const committed = await acme.agent.mutation(api.assets.commitBatch, {
      items: items.map((intent, at) => ({ assetId: ids[at]!, object: storedAs(intent) })),
    });
    expect(committed).toMatchObject([{ status: "ready" }, { status: "superseded" }]);
  });
});

test("[G7] an age below zero is refused: nothing was asked for in the future", async () => {
  expect(await refusalOf(begin(intentFor(acme), -1))).toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("made.ageMs") as string,
  });
});
