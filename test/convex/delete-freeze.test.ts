// @vitest-environment node
import { beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { useBucketWorld } from "./bucket-world.ts";
import type { BucketWorld } from "./bucket-world.ts";
import { addTenant, beginOpen, BUCKET, everything, intentFor, publish, refusalOf } from "./world.ts";
import type { Tenant } from "./world.ts";

const currentWorld = useBucketWorld();
let world: BucketWorld;
let acme: Tenant;
beforeEach(() => {
  world = currentWorld();
  acme = world.acme;
});

const freeze = (tenant: Tenant, reason = "The bucket is being moved") =>
  tenant.people.admin.mutation(api.reconcile.freeze, { reason });
const thaw = (tenant: Tenant, reason?: string) =>
  tenant.people.admin.mutation(api.reconcile.thaw, reason === undefined ? {} : { reason });

/** An object that waits for the hourly job since long. */
async function waiting(tenant: Tenant, s3Key: string, updatedAt = 1): Promise<Id<"deleteQueue">> {
  await world.put(s3Key, "waits");
  return queued(tenant, s3Key, updatedAt);
}

const queued = (tenant: Tenant, s3Key: string, updatedAt = 1) =>
  world.t.run((ctx) =>
    ctx.db.insert("deleteQueue", {
      tenantId: tenant.tenantId,
      bucket: BUCKET,
      s3Key,
      reason: "Refused.",
      state: "queued",
      updatedAt,
    }),
  );

const entry = (id: Id<"deleteQueue">) => world.t.run((ctx) => ctx.db.get("deleteQueue", id));

describe("freezing deletes", () => {
  test("[G5] says who, when and why, to admins and agents, and leaves it in the audit log", async () => {
    expect(await acme.agent.query(api.reconcile.frozen, {})).toBeNull();
    const before = Date.now();
    expect(await freeze(acme)).toEqual({ changed: true });
    const expected = { by: `${world.slug}-admin`, reason: "The bucket is being moved" };
    const shown = await acme.agent.query(api.reconcile.frozen, {});
    expect(shown).toMatchObject(expected);
    expect(shown?.since).toBeGreaterThanOrEqual(before);
    expect(await acme.people.owner.query(api.reconcile.frozen, {})).toEqual(shown);
    expect(await thaw(acme, "It is moved")).toEqual({ changed: true });
    expect(await acme.agent.query(api.reconcile.frozen, {})).toBeNull();
    const log = await world.t.run((ctx) => ctx.db.query("auditLog").order("desc").take(2));
    expect(log).toMatchObject([
      { action: "deletes.thaw", actorName: expected.by, detail: "It is moved" },
      { action: "deletes.freeze", actorName: expected.by, detail: expected.reason },
    ]);
  });

  test("[G3] saying it again changes nothing: the first reason stays", async () => {
    expect(await thaw(acme)).toEqual({ changed: false });
    await freeze(acme);
    const before = await everything(world.t);
    expect(await freeze(acme, "Another one")).toEqual({ changed: false });
    expect(await everything(world.t)).toBe(before);
  });

  test.each(["", "   ", "x".repeat(2_001)])(
    "[G7] is refused without a reason that can be read",
    async (reason) => {
      expect(await refusalOf(freeze(acme, reason))).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(await acme.agent.query(api.reconcile.frozen, {})).toBeNull();
    },
  );
});

describe("while deletes are frozen", () => {
  test("[G5] nothing is claimed, and what is queued stays queued", async () => {
    const id = await waiting(acme, `t/${world.slug}/perm/reels/refused.mp4`);
    await freeze(acme);
    const before = await everything(world.t);
    expect(await world.t.mutation(internal.reconcileSteps.claimQueued, { entryId: id })).toMatchObject({
      claimed: false,
      why: expect.stringMatching(
        /^Deletes are frozen since .* by .*-admin: The bucket is being moved\.$/,
      ) as string,
    });
    expect(await everything(world.t)).toBe(before);
    await thaw(acme);
    expect(await world.t.mutation(internal.reconcileSteps.claimQueued, { entryId: id })).toMatchObject({
      claimed: true,
    });
  });

  test("[G5] the hourly job takes nothing of the tenant, and waits for grace once more after the thaw", async () => {
    const s3Key = `t/${world.slug}/perm/reels/refused.mp4`;
    const id = await waiting(acme, s3Key);
    await freeze(acme);
    await world.t.action(internal.bucket.drain, {});
    expect(await world.read(s3Key)).toBe("waits");
    expect(await entry(id)).toMatchObject({ state: "queued" });
    await thaw(acme);
    await world.t.action(internal.bucket.drain, {});
    expect(await world.read(s3Key)).toBe("waits");
    await world.t.run((ctx) => ctx.db.patch("deleteQueue", id, { updatedAt: 1 }));
    await world.t.action(internal.bucket.drain, {});
    expect(await entry(id)).toMatchObject({ state: "quarantined" });
  });

  test("[G5] the hourly job goes on for other tenants, however many entries of the frozen one stand before theirs", async () => {
    const other = await addTenant(world.t, `other-${world.slug}`);
    const theirs = await waiting(other, `t/other-${world.slug}/perm/reels/refused.mp4`, 2);
    const { tenantId } = acme;
    await world.t.run(async (ctx) => {
      for (let index = 0; index < 1_001; index += 1) {
        const s3Key = `t/${world.slug}/perm/reels/${index}.mp4`;
        const fields = { bucket: BUCKET, reason: "Refused.", state: "queued" as const, updatedAt: 1 };
        await ctx.db.insert("deleteQueue", { tenantId, s3Key, ...fields });
      }
    });
    await freeze(acme);
    await world.t.action(internal.bucket.drain, {});
    expect(await entry(theirs)).toMatchObject({ state: "quarantined" });
    const states = await world.t.run(async (ctx) =>
      (await ctx.db.query("deleteQueue").take(2_000))
        .filter((row) => row.tenantId === tenantId)
        .map(({ state, updatedAt }) => `${state} ${updatedAt > 1 ? "later" : "due"}`),
    );
    expect(new Set(states)).toEqual(new Set(["queued later"]));
    expect(states).toHaveLength(1_001);
  });

  test("[G5] findings that would take an object away are refused together; records are marked all the same", async () => {
    const lost = await world.upload("lost");
    await world.remove(lost.s3Key);
    const orphan = `t/${world.slug}/perm/reels/orphan.mp4`;
    await world.put(orphan, "orphan");
    const { runId, findings } = await world.compare();
    const idsOf = (repair: string) =>
      findings.filter((one) => one.repair === repair).map((one) => one.findingId);
    await freeze(acme);
    const before = await everything(world.t);
    const refused = await refusalOf(
      world.apply(
        runId,
        findings.map((one) => one.findingId),
      ),
    );
    expect(refused.code).toBe("DELETES_FROZEN");
    expect(refused.message).toMatch(/The bucket is being moved\. .*reelsync reconcile thaw/);
    expect(await everything(world.t)).toBe(before);

    expect(await world.apply(runId, idsOf("mark_record"))).toEqual({ scheduled: 1 });
    expect(await acme.agent.query(api.assets.get, { assetId: lost.assetId })).toMatchObject({
      status: "missing",
    });
    expect(await world.read(orphan)).toBe("orphan");
  });

  test("[G5] a repair under way stops at the object it has come to, and can be gone on with", async () => {
    const orphan = `t/${world.slug}/perm/reels/orphan.mp4`;
    await world.put(orphan, "orphan");
    const { runId, findings } = await world.compare();
    const findingIds = findings.map((one) => one.findingId);
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    await acme.people.admin.mutation(api.reconcile.apply, { runId, findingIds });
    await freeze(acme);
    vi.runAllTimers();
    vi.useRealTimers();
    await world.t.finishInProgressScheduledFunctions();
    expect(await world.findingsOf(runId)).toMatchObject([
      { state: "failed", note: expect.stringMatching(/^Deletes are frozen/) as string },
    ]);
    expect(await world.read(orphan)).toBe("orphan");
    expect(await world.t.run((ctx) => ctx.db.query("deleteQueue").take(1))).toEqual([]);
    await thaw(acme);
    await world.apply(runId, findingIds);
    expect(await world.findingsOf(runId)).toMatchObject([{ state: "applied" }]);
  });

  test("[G5] removing by key is refused with the reason, asked or done, and says no more than before of what is not the caller's", async () => {
    const old = await publish(acme.agent, intentFor(acme));
    const current = await publish(acme.agent, intentFor(acme));
    const keys = [old.s3Key, current.s3Key, `t/${world.slug}/temp/x.mp4`, "temp/x.mp4", "t/else/temp/x.mp4"];
    await freeze(acme);
    const before = await everything(world.t);
    const why = expect.stringMatching(/^Deletes are frozen since/) as string;
    for (const dryRun of [true, false]) {
      expect(await acme.agent.mutation(api.assets.cleanup, { s3Keys: keys, dryRun })).toEqual([
        { s3Key: keys[0], outcome: "refused", versions: 0, why },
        { s3Key: keys[1], outcome: "refused", versions: 0, why: "It is the current version 2." },
        { s3Key: keys[2], outcome: "refused", versions: 0, why },
        { s3Key: keys[3], outcome: "refused", versions: 0, why },
        { s3Key: keys[4], outcome: "unknown", versions: 0 },
      ]);
    }
    expect(await everything(world.t)).toBe(before);
    await thaw(acme);
    expect(await acme.agent.mutation(api.assets.cleanup, { s3Keys: keys, dryRun: true })).toMatchObject([
      { outcome: "queued" },
      { outcome: "refused" },
      { outcome: "queued" },
      { outcome: "unrecorded" },
      { outcome: "unknown" },
    ]);
  });

  test("[G6] another tenant's deletes go on as before", async () => {
    const other = await addTenant(world.t, `other-${world.slug}`);
    await freeze(acme);
    expect(await other.agent.query(api.reconcile.frozen, {})).toBeNull();
    const old = await publish(other.agent, intentFor(other));
    await publish(other.agent, intentFor(other));
    const cleaned = await other.agent.mutation(api.assets.cleanup, { s3Keys: [old.s3Key], dryRun: false });
    expect(cleaned).toMatchObject([{ outcome: "queued" }]);
    const id = await queued(other, "t/other/perm/x.mp4");
    expect(await world.t.mutation(internal.reconcileSteps.claimQueued, { entryId: id })).toMatchObject({
      claimed: true,
    });
  });

  test("[G1] uploads go on, and take a key back from the queue", async () => {
    const intent = intentFor(acme, { size: 4 });
    const { assetId, s3Key } = await beginOpen(acme.agent, intent);
    await acme.agent.mutation(api.assets.fail, { assetId, code: "S3_UNAVAILABLE", message: "down" });
    const id = await queued(acme, s3Key);
    await freeze(acme);
    expect(await publish(acme.agent, intent)).toMatchObject({ committed: { status: "ready" } });
    expect(await entry(id)).toMatchObject({ state: "cancelled" });
  });
});
