import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { CleanedKey } from "../../contract/cleanup.ts";
import {
  addTenant,
  AGENT_ISSUER,
  beginOpen,
  deployment,
  intentFor,
  publish,
  refusalOf,
  shaOf,
  type Deployment,
  type Speaker,
  type Tenant,
} from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

const clean = (speaker: Speaker, s3Keys: string[], dryRun = false): Promise<CleanedKey[]> =>
  speaker.mutation(api.assets.cleanup, { s3Keys, dryRun });

/** Everything a removal could change. */
const everything = () =>
  t.run(async (ctx) =>
    JSON.stringify([
      await ctx.db.query("assets").take(100),
      await ctx.db.query("deleteQueue").take(100),
      await ctx.db.query("usage").take(10),
      await ctx.db.query("scenes").take(10),
      await ctx.db.query("sessions").take(10),
      await ctx.db.query("auditLog").take(100),
    ]),
  );
const queueOf = () => t.run((ctx) => ctx.db.query("deleteQueue").take(100));
const statusesOf = async (s3Key: string) =>
  (await t.run((ctx) => ctx.db.query("assets").take(100)))
    .filter((row) => row.s3Key === s3Key)
    .map((row) => row.status);

describe("removing assets by their keys", () => {
  test("[G5] refuses what is current, and takes the versions before it", async () => {
    const old = await publish(acme.agent, intentFor(acme));
    const current = await publish(acme.agent, intentFor(acme));
    const before = await everything();
    const expected = [
      { s3Key: old.s3Key, outcome: "queued", versions: 1 },
      { s3Key: current.s3Key, outcome: "refused", versions: 0, why: "It is the current version 2." },
    ];
    expect(await clean(acme.agent, [old.s3Key, current.s3Key], true)).toEqual(expected);
    expect(await everything()).toBe(before);

    expect(await clean(acme.agent, [old.s3Key, current.s3Key])).toEqual(expected);
    expect(await statusesOf(old.s3Key)).toEqual(["deleted"]);
    expect(await statusesOf(current.s3Key)).toEqual(["ready"]);
    expect(await queueOf()).toMatchObject([{ s3Key: old.s3Key, state: "queued" }]);
    expect(await t.run((ctx) => ctx.db.query("usage").take(1))).toMatchObject([{ usedBytes: 1000 }]);
    const log = await t.run((ctx) => ctx.db.query("auditLog").order("desc").take(1));
    expect(log).toMatchObject([{ action: "assets.cleanup", target: old.s3Key }]);
  });

  test("[G3] saying it again changes nothing", async () => {
    const old = await publish(acme.agent, intentFor(acme));
    await publish(acme.agent, intentFor(acme));
    expect(await clean(acme.agent, [old.s3Key, old.s3Key])).toMatchObject([
      { outcome: "queued" },
      { outcome: "gone" },
    ]);
    const before = await everything();
    expect(await clean(acme.agent, [old.s3Key])).toMatchObject([{ outcome: "gone", versions: 0 }]);
    expect(await everything()).toBe(before);
  });

  test("[G5] refuses what is on its way, and content that is current in another place", async () => {
    const begun = await beginOpen(acme.agent, intentFor(acme));
    const shared = { sha256: shaOf(0xabcdef), fileName: "same.mp4" };
    const first = await publish(acme.agent, intentFor(acme, { chunkIndex: 1, ...shared }));
    await publish(acme.agent, intentFor(acme, { chunkIndex: 1 }));
    const second = await publish(acme.agent, intentFor(acme, { chunkIndex: 2, ...shared }));
    expect(second.s3Key).toBe(first.s3Key);
    const before = await everything();
    expect(await clean(acme.agent, [begun.s3Key, first.s3Key])).toMatchObject([
      { outcome: "refused", why: "An upload of it is under way." },
      { outcome: "refused", why: "It is the current version 1." },
    ]);
    expect(await everything()).toBe(before);
  });

  test("[G5] refuses what a page still points at, whatever its record says", async () => {
    const { s3Key, assetId } = await publish(acme.agent, intentFor(acme));
    await t.run((ctx) => ctx.db.patch("assets", assetId, { status: "superseded" }));
    expect(await clean(acme.agent, [s3Key])).toMatchObject([
      { outcome: "refused", why: "The scene shows it." },
    ]);
    await t.run(async (ctx) => {
      await ctx.db.patch("scenes", acme.sceneId, { chunks: [] });
      await ctx.db.patch("sessions", acme.sessionId, { thumbnailAssetId: assetId });
    });
    expect(await clean(acme.agent, [s3Key])).toMatchObject([{ why: "The session shows it." }]);
  });

  test("[G1] a failed upload can still be sent again: its object leaves the queue when it is", async () => {
    const intent = intentFor(acme);
    const { assetId, s3Key } = await beginOpen(acme.agent, intent);
    await acme.agent.mutation(api.assets.fail, { assetId, code: "S3_UNAVAILABLE", message: "down" });
    expect(await clean(acme.agent, [s3Key])).toMatchObject([{ outcome: "queued", versions: 0 }]);
    expect(await publish(acme.agent, intent)).toMatchObject({ committed: { status: "ready" } });
    expect(await queueOf()).toMatchObject([{ s3Key, state: "cancelled" }]);
  });

  test("the same content uploaded again after its removal is stored again", async () => {
    const intent = intentFor(acme);
    const old = await publish(acme.agent, intent);
    await publish(acme.agent, intentFor(acme));
    await clean(acme.agent, [old.s3Key]);
    const again = await publish(acme.agent, intentFor(acme, { sha256: intent.sha256 }));
    expect(again).toMatchObject({ s3Key: old.s3Key, deduped: false, committed: { status: "ready" } });
    expect(await queueOf()).toMatchObject([{ state: "cancelled" }]);
  });

  test("an object without a record is queued in the tenant's own folder, and left to its caller elsewhere", async () => {
    const own = "t/acme/temp/reels/x/partial.mp4";
    expect(await clean(acme.agent, [own, "temp/old.mp4", "t/else/temp/x.mp4"])).toMatchObject([
      { outcome: "queued", versions: 0 },
      { outcome: "unrecorded" },
      { outcome: "unknown" },
    ]);
    expect(await queueOf()).toMatchObject([{ s3Key: own, bucket: "reels", state: "queued" }]);
  });

  test("[G6] with other tenants in the bucket nobody can say that a key outside the folders is nobody's", async () => {
    const other = await addTenant(t, "other");
    const theirs = await publish(other.agent, intentFor(other));
    await publish(other.agent, intentFor(other));
    const before = await everything();
    const asked = [theirs.s3Key, "temp/old.mp4"];
    const unknown = asked.map((s3Key) => ({ s3Key, outcome: "unknown", versions: 0 }));
    expect(await clean(acme.agent, asked)).toEqual(unknown);
    expect(await clean(acme.people.owner, asked)).toEqual(unknown);
    expect(await everything()).toBe(before);
  });

  test("[G6] a key scoped to projects removes nothing of others, recorded or not", async () => {
    const old = await publish(acme.agent, intentFor(acme));
    await publish(acme.agent, intentFor(acme));
    const subject = await t.run(async (ctx) => {
      const projectId = await ctx.db.insert("projects", { tenantId: acme.tenantId, slug: "own" });
      const key = { tenantId: acme.tenantId, name: "scoped", hash: "none", projectIds: [projectId] };
      return ctx.db.insert("agentKeys", key);
    });
    const scoped = t.withIdentity({ issuer: AGENT_ISSUER, subject });
    const before = await everything();
    expect(await clean(scoped, [old.s3Key, "t/acme/temp/x.mp4", "temp/x.mp4"])).toMatchObject([
      { outcome: "unknown" },
      { outcome: "unknown" },
      { outcome: "unknown" },
    ]);
    expect(await everything()).toBe(before);
  });

  test("[G7] more keys than one transaction takes are refused", async () => {
    const keys = Array.from({ length: 101 }, (_, index) => `k/${index}`);
    expect(await refusalOf(clean(acme.agent, keys))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
