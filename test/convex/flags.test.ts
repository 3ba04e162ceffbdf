import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { addTenant, deployment, everything, FIRST_PAGE, refusalOf } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  t = deployment();
  acme = await addTenant(t, "acme");
});

afterEach(() => void vi.useRealTimers());

const seen = () => acme.agent.query(api.flags.get, {});
const history = async () =>
  (await acme.people.admin.query(api.flags.history, { paginationOpts: FIRST_PAGE })).page;
const set = (args: Parameters<typeof setAs>[1]) => setAs(acme.people.admin, args);
const setAs = (
  speaker: Tenant["agent"],
  args: {
    stage: "off" | "shadow" | "end-of-run" | "on-write" | null;
    project?: string;
    pinned?: boolean;
    reason?: string;
  },
) => speaker.mutation(api.flags.set, args);

test("a tenant nobody decided anything for is on-write", async () => {
  expect(await seen()).toEqual([{ stage: "on-write", pinned: false }]);
  expect(await history()).toEqual([]);
});

test("a change is seen by agents, kept with who and why, and audited", async () => {
  await set({ stage: "shadow", reason: "trying it out" });
  expect(await seen()).toEqual([
    {
      stage: "shadow",
      pinned: false,
      from: "on-write",
      changedAt: 1_000_000,
      by: "acme-admin",
      automatic: false,
      reason: "trying it out",
    },
  ]);
  await set({ stage: "on-write", pinned: true });
  expect(await seen()).toMatchObject([{ stage: "on-write", pinned: true, from: "shadow" }]);
  expect(await history()).toMatchObject([
    { from: "shadow", to: "on-write", by: "acme-admin", pinned: true },
    { from: "on-write", to: "shadow", by: "acme-admin", reason: "trying it out" },
  ]);
  const audited = await t.run((ctx) => ctx.db.query("auditLog").take(10));
  expect(audited.slice(1)).toMatchObject([
    { action: "rollout.set", target: "tenant", detail: "on-write → shadow" },
    { action: "rollout.set", target: "tenant", detail: "shadow → on-write, pinned" },
  ]);
});

test("[G3] saying again what holds changes nothing", async () => {
  expect(await set({ stage: "on-write" })).toEqual({ changed: false });
  await set({ stage: "off" });
  const before = await everything(t);
  expect(await set({ stage: "off" })).toEqual({ changed: false });
  expect(await everything(t)).toBe(before);
});

describe("a project's own stage", () => {
  test("holds beside the tenant's until it is taken away", async () => {
    await set({ stage: "shadow", project: "reels" });
    expect(await seen()).toMatchObject([{ stage: "on-write" }, { project: "reels", stage: "shadow" }]);
    await set({ stage: "end-of-run" });
    expect(await seen()).toMatchObject([{ stage: "end-of-run" }, { project: "reels", stage: "shadow" }]);
    await set({ stage: null, project: "reels" });
    expect(await seen()).toMatchObject([{ stage: "end-of-run" }]);
    expect(await history()).toMatchObject([
      { project: "reels", from: "shadow", to: "end-of-run" },
      { from: "on-write", to: "end-of-run" },
      { project: "reels", from: "on-write", to: "shadow" },
    ]);
    expect(await set({ stage: null, project: "reels" })).toEqual({ changed: false });
  });

  test("is found for a scene and for a session", async () => {
    const projectOf = (entityType: "scene" | "session", entityId: string) =>
      acme.agent.query(api.flags.projectOf, { entityType, entityId });
    expect(await projectOf("scene", acme.sceneId)).toEqual({ project: "reels" });
    expect(await projectOf("session", acme.sessionId)).toEqual({ project: "reels" });
  });

  test("[G6] is not told to an agent of other projects", async () => {
    await set({ stage: "shadow", project: "reels" });
    const keyId = await t.run(async (ctx) => {
      const own = await ctx.db.insert("projects", { tenantId: acme.tenantId, slug: "own" });
      return ctx.db.insert("agentKeys", {
        tenantId: acme.tenantId,
        name: "scoped",
        hash: "none",
        projectIds: [own],
      });
    });
    const scoped = t.withIdentity({ issuer: "https://agents.test", subject: keyId });
    expect(await scoped.query(api.flags.get, {})).toEqual([{ stage: "on-write", pinned: false }]);
  });
});

describe("[G7] what makes no sense is refused, and changes nothing", () => {
  test.each([
    ["an unknown project", { stage: "off", project: "typo" } as const, "NOT_FOUND"],
    ["a tenant without a stage", { stage: null } as const, "INVALID_ARGUMENT"],
  ])("%s", async (_what, args, code) => {
    const before = await everything(t);
    expect(await refusalOf(set(args))).toMatchObject({ code });
    expect(await everything(t)).toBe(before);
  });

  test("a project beyond those that may have their own", async () => {
    await t.run(async (ctx) => {
      for (let index = 0; index < 100; index++) {
        const slug = `p-${index}`;
        const projectId = await ctx.db.insert("projects", { tenantId: acme.tenantId, slug });
        const row = { tenantId: acme.tenantId, projectId, project: slug, pinned: false, automatic: false };
        await ctx.db.insert("flags", { ...row, stage: "off", from: "on-write", changedAt: 1, by: "test" });
      }
    });
    expect(await refusalOf(set({ stage: "off", project: "reels" }))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(await set({ stage: "shadow", project: "p-7" })).toEqual({ changed: true });
  });
});

test("the answer to an agent key says the stages", async () => {
  vi.stubEnv("AGENT_JWT_PRIVATE_KEY", await privateKey());
  await set({ stage: "end-of-run" });
  await set({ stage: "off", project: "reels" });
  const response = await t.fetch("/agent/token", {
    method: "POST",
    headers: { authorization: `Bearer ${acme.agentKey}` },
  });
  expect(await response.json()).toMatchObject({
    rollout: { stage: "end-of-run", projects: [{ project: "reels", stage: "off" }] },
  });
});

async function privateKey(): Promise<string> {
  const { exportPKCS8, generateKeyPair } = await import("jose");
  return exportPKCS8((await generateKeyPair("ES256", { extractable: true })).privateKey);
}
