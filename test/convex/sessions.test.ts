import { beforeEach, describe, expect, test, vi } from "vitest";
import { MAX_SCENES_PER_SESSION, RECONCILE_GRACE_MS } from "../../contract/limits.ts";
import { api, internal } from "../../convex/_generated/api";
import {
  addTenant,
  beginOpen,
  deployment,
  everything,
  FIRST_PAGE,
  intentFor,
  publish,
  refusalOf,
} from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

const scene = () => acme.agent.query(api.scenes.get, { sceneId: acme.sceneId });
const session = () => acme.agent.query(api.sessions.get, { sessionId: acme.sessionId });
const upsert = (over: { status?: "planned" | "rendering" | "failed"; errorMessage?: string }) =>
  acme.agent.mutation(api.scenes.upsert, {
    sessionId: acme.sessionId,
    sceneKey: "intro",
    index: 0,
    title: "Intro",
    ...over,
  });

describe("sessions", () => {
  test("[G3] creating the same run ten times creates it once", async () => {
    const create = { project: "reels", sessionKey: "run-2", title: "Second" };
    const answers = [];
    for (let round = 0; round < 10; round += 1) {
      answers.push(await acme.agent.mutation(api.sessions.create, create));
    }
    expect(new Set(answers.map((one) => one.sessionId)).size).toBe(1);
    expect(answers.filter((one) => one.created)).toHaveLength(1);
    expect(await t.run((ctx) => ctx.db.query("projects").take(10))).toHaveLength(1);
  });

  test("the list is newest first, in pages", async () => {
    const second = await acme.agent.mutation(api.sessions.create, {
      project: "reels",
      sessionKey: "run-2",
      title: "Second",
      plannedSceneCount: 6,
    });
    const first = await acme.people.viewer.query(api.sessions.list, {
      paginationOpts: { numItems: 1, cursor: null },
    });
    expect(first.page).toMatchObject([{ sessionId: second.sessionId, plannedSceneCount: 6 }]);
    const rest = await acme.people.viewer.query(api.sessions.list, {
      paginationOpts: { numItems: 5, cursor: first.continueCursor },
    });
    expect(rest.page).toMatchObject([{ sessionId: acme.sessionId, sceneCount: 1 }]);
  });

  test("[G3] the first end stands", async () => {
    const end = (outcome: "ended" | "failed") =>
      acme.agent.mutation(api.sessions.end, { sessionId: acme.sessionId, outcome });
    await end("ended");
    await end("failed");
    expect(await session()).toMatchObject({ status: "ended" });
  });

  test("a member of nothing has no tenants; an outsider's list is refused", async () => {
    const stranger = t.withIdentity({ issuer: "https://people.test", subject: "stranger", name: "S" });
    expect(await stranger.query(api.viewer.me, {})).toEqual({ name: "S", tenants: [] });
    const list = stranger.query(api.sessions.list, { paginationOpts: FIRST_PAGE });
    expect(await refusalOf(list)).toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("scenes", () => {
  test("counters follow what is said and what is committed", async () => {
    await upsert({ status: "failed", errorMessage: "out of memory" });
    expect(await session()).toMatchObject({ sceneCount: 1, readyCount: 0, failedCount: 1 });
    expect(await scene()).toMatchObject({ errorMessage: "out of memory" });
    await upsert({ status: "rendering" });
    expect(await session()).toMatchObject({ failedCount: 0 });
    expect(await scene()).not.toHaveProperty("errorMessage");
    await publish(acme.agent, intentFor(acme));
    expect(await session()).toMatchObject({ readyCount: 1, failedCount: 0 });
  });

  test("[G3] a late word that it is rendering does not hide a committed chunk", async () => {
    await publish(acme.agent, intentFor(acme));
    await upsert({ status: "rendering" });
    expect(await scene()).toMatchObject({ status: "ready" });
    expect(await session()).toMatchObject({ readyCount: 1 });
  });

  test("a session takes only so many scenes", async () => {
    await t.run((ctx) => ctx.db.patch("sessions", acme.sessionId, { sceneCount: MAX_SCENES_PER_SESSION }));
    const add = acme.agent.mutation(api.scenes.upsert, {
      sessionId: acme.sessionId,
      sceneKey: "one-more",
      index: 1,
      title: "One more",
    });
    expect(await refusalOf(add)).toMatchObject({ code: "TOO_MANY_SCENES" });
  });
});

describe("the hourly job", () => {
  test("gives up on uploads nobody finished within grace, and only on those", async () => {
    const old = await beginOpen(acme.agent, intentFor(acme));
    const stuck = await beginOpen(acme.agent, intentFor(acme, { chunkIndex: 1 }));
    await acme.agent.mutation(api.assets.uploading, { assetId: stuck.assetId });
    const { assetId: kept } = await publish(acme.agent, intentFor(acme, { chunkIndex: 2 }));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + RECONCILE_GRACE_MS + 1000 });
    try {
      const fresh = await beginOpen(acme.agent, intentFor(acme, { chunkIndex: 3 }));
      await t.mutation(internal.housekeeping.expire, {});
      const statusOf = async (assetId: string) =>
        (await acme.agent.query(api.assets.get, { assetId })).status;
      expect(await statusOf(old.assetId)).toBe("error");
      expect(await statusOf(stuck.assetId)).toBe("error");
      expect(await statusOf(kept)).toBe("ready");
      expect(await statusOf(fresh.assetId)).toBe("pending");
      expect(await t.run((ctx) => ctx.db.query("usage").take(1))).toMatchObject([{ usedBytes: 2000 }]);
      expect(await session()).toMatchObject({ status: "live" });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("setup", () => {
  test("[G3] bootstrap repeated changes nothing but what it says; each key asked for is a new one", async () => {
    const args = {
      tenant: "acme",
      tenantName: "Acme Films",
      members: [{ tokenIdentifier: "https://people.test|acme-viewer", name: "V", role: "editor" as const }],
    };
    const again = await t.action(internal.setup.bootstrap, { ...args, agentKey: { name: "second" } });
    await t.action(internal.setup.bootstrap, args);
    expect(again.tenantId).toBe(acme.tenantId);
    expect(again.agentKey).toMatch(/^rsk_[0-9a-f]{64}$/);
    expect(again.agentKey).not.toBe(acme.agentKey);
    const { tenants, members, keys } = await t.run(async (ctx) => ({
      tenants: await ctx.db.query("tenants").take(10),
      members: await ctx.db.query("members").take(10),
      keys: await ctx.db.query("agentKeys").take(10),
    }));
    expect(tenants).toMatchObject([{ slug: "acme", name: "Acme Films" }]);
    expect(members).toHaveLength(4);
    expect(members.find((one) => one.name === "V")?.role).toBe("editor");
    expect(keys).toHaveLength(2);
  });

  test("a further key leaves the tenant as it is, is audited, and may be for some projects only", async () => {
    const made = await t.action(internal.setup.createAgentKey, {
      tenant: "acme",
      tenantName: "Not This",
      name: "scoped",
      projects: ["reels", "new", "new"],
    });
    expect(made).toMatchObject({
      tenantId: acme.tenantId,
      agentKey: expect.stringMatching(/^rsk_/) as string,
    });
    const { tenants, projects, keys, log } = await t.run(async (ctx) => ({
      tenants: await ctx.db.query("tenants").take(10),
      projects: await ctx.db.query("projects").take(10),
      keys: await ctx.db.query("agentKeys").order("desc").take(1),
      log: await ctx.db.query("auditLog").order("desc").take(1),
    }));
    expect(tenants).toMatchObject([{ name: "ACME" }]);
    expect(projects.map(({ slug }) => slug)).toEqual(["reels", "new"]);
    expect(keys).toMatchObject([{ name: "scoped", projectIds: projects.map(({ _id }) => _id) }]);
    expect(log).toMatchObject([{ actor: "operator", action: "agentKeys.create", target: keys[0]?._id }]);
  });

  test("[G7] a key for an unknown tenant, without a name or with bad projects changes nothing", async () => {
    const before = await everything(t);
    const make = async (over: { tenant?: string; name?: string; projects?: string[] }) => {
      const args = { tenant: "acme", name: "key", ...over };
      return (await refusalOf(t.action(internal.setup.createAgentKey, args))).code;
    };
    expect(await make({ tenant: "nobody" })).toBe("NOT_FOUND");
    expect(await make({ name: " " })).toBe("INVALID_ARGUMENT");
    expect(await make({ projects: [] })).toBe("INVALID_ARGUMENT");
    expect(await make({ projects: ["fine", "../up"] })).toBe("INVALID_ARGUMENT");
    expect(await everything(t)).toBe(before);
  });

  test("[G7] a tenant's slug must fit into an object key", async () => {
    const bad = t.action(internal.setup.bootstrap, { tenant: "../up", tenantName: "Up", members: [] });
    expect(await refusalOf(bad)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
