import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import schema from "../../convex/schema.ts";
import { exportedPublicFunctions, PUBLIC_FUNCTIONS } from "./public-functions.ts";
import type { Ids, Who } from "./public-functions.ts";
import { addTenant, agentOf, deployment, intentFor, publish, refusalOf } from "./world.ts";
import type { Deployment, Speaker, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;
let other: Tenant;
let ids: Ids;

beforeEach(async () => {
  // Scheduled actions wait for timers nobody advances: reconcile's bucket side has tests of its own.
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  t = deployment();
  acme = await addTenant(t, "acme");
  other = await addTenant(t, "other");
  ids = await furnish(acme);
});

afterEach(() => void vi.useRealTimers());

/** One row of everything a caller can name. */
async function furnish(tenant: Tenant): Promise<Ids> {
  const { assetId, s3Key } = await publish(tenant.agent, intentFor(tenant));
  const intent = intentFor(tenant, { chunkIndex: 1 });
  const { deadLetterId } = await tenant.agent.mutation(api.deadLetters.record, {
    intent,
    code: "S3_UNAVAILABLE",
    message: "no answer",
    step: "upload",
    attempts: 3,
    agent: "renderer",
  });
  const { runId, findingId } = await t.run(async (ctx) => {
    const counts = { object_without_record: 1, record_without_object: 0, size_mismatch: 0 };
    const run = await ctx.db.insert("reconcileRuns", {
      tenantId: tenant.tenantId,
      status: "reported",
      graceMs: 0,
      startedAt: 1,
      progressAt: 1,
      objectsSeen: 1,
      recordsSeen: 0,
      findingCounts: counts,
      bytes: counts,
    });
    const finding = await ctx.db.insert("reconcileFindings", {
      tenantId: tenant.tenantId,
      runId: run,
      kind: "object_without_record",
      bucket: "reels",
      s3Key: "t/acme/perm/orphan",
      reason: "No record has this key.",
      repair: "quarantine_object",
      state: "open",
    });
    return { runId: run, findingId: finding };
  });
  return {
    tenantId: tenant.tenantId,
    sessionId: tenant.sessionId,
    sceneId: tenant.sceneId,
    assetId,
    s3Key,
    uploadId: intent.uploadId,
    deadLetterId,
    runId,
    findingId,
  };
}

/** Well-formed, of the right table, and of nothing. */
function unknownIds(): Ids {
  const like = (id: string, name: string) => {
    if (name === "s3Key") return `${id}-of-nothing`;
    const table = id.replace(/^\d+/, "");
    return "9".repeat(id.length - table.length) + table;
  };
  return mapIds(like);
}

function malformedIds(): Ids {
  return mapIds((_id, name) => `?${name}`);
}

/** An uploadId is made up by its caller, so the very same one serves everybody. */
function mapIds(change: (id: string, name: string) => string): Ids {
  const entries = Object.entries(ids).map(([name, id]) => [
    name,
    name === "uploadId" ? id : change(id, name),
  ]);
  return Object.fromEntries(entries) as Ids;
}

/** What a caller learns from a call, with the ids it passed taken out. */
async function learned(call: Promise<unknown>, passed: Ids): Promise<string> {
  const answer = await call.then(
    (value) => ({ value }),
    (fault: unknown) => ({ refusal: (fault as { data?: unknown }).data ?? String(fault) }),
  );
  let text = JSON.stringify(answer);
  for (const [name, id] of Object.entries(passed)) text = text.replaceAll(id, `<${name}>`);
  // What the call itself created differs from call to call.
  return text.replaceAll(/"\d{10,}[a-zA-Z]+"/g, '"<own>"').replaceAll(/\d{13}(\.\d+)?/g, "<time>");
}

async function rowsOf(tenant: Tenant): Promise<string> {
  return t.run(async (ctx) => {
    const tables = Object.keys(schema.tables) as (keyof typeof schema.tables)[];
    const rows = await Promise.all(
      tables.map(async (table) =>
        (await ctx.db.query(table).take(10_000)).filter(
          (row) => row._id === tenant.tenantId || ("tenantId" in row && row.tenantId === tenant.tenantId),
        ),
      ),
    );
    return JSON.stringify(rows);
  });
}

const speakersOf = (tenant: Tenant): Record<Who, Speaker> => ({ ...tenant.people, agent: tenant.agent });

test("[G6] the table below knows every public function", async () => {
  expect(Object.keys(PUBLIC_FUNCTIONS).sort()).toEqual((await exportedPublicFunctions()).sort());
});

describe.each(Object.entries(PUBLIC_FUNCTIONS))("%s", (_name, { who, call }) => {
  test("[G6] another tenant's ids look exactly like unknown and malformed ones, and nothing of it moves", async () => {
    const before = await rowsOf(acme);
    for (const speaker of [other.agent, other.people.owner]) {
      const foreign = await learned(call(speaker, ids), ids);
      expect(await rowsOf(acme)).toBe(before);
      const unknown = unknownIds();
      expect(await learned(call(speaker, unknown), unknown)).toBe(foreign);
      const malformed = malformedIds();
      expect(await learned(call(speaker, malformed), malformed)).toBe(foreign);
      for (const id of Object.values(ids)) expect(foreign).not.toContain(id);
      expect(foreign).not.toMatch(/acme|orphan|First run of acme/i);
    }
  });

  test("[G6] without a token it is refused", async () => {
    const refused = await refusalOf(call(t, ids));
    expect(refused.code).toBe("UNAUTHENTICATED");
  });

  test.each(["viewer", "editor", "admin", "owner", "agent"] as const)(
    "called by %s: as its audience says",
    async (role) => {
      const answer = await learned(call(speakersOf(acme)[role], ids), ids);
      const forbidden = answer.includes('"FORBIDDEN"');
      expect({ role, forbidden }).toEqual({ role, forbidden: !who.includes(role) });
    },
  );
});

describe("an agent key scoped to projects", () => {
  test("[G6] sees and touches nothing of the tenant's other projects", async () => {
    const scoped = await t.run(async (ctx) => {
      const projectId = await ctx.db.insert("projects", { tenantId: acme.tenantId, slug: "own" });
      return ctx.db.insert("agentKeys", {
        tenantId: acme.tenantId,
        name: "scoped",
        hash: "none",
        projectIds: [projectId],
      });
    });
    const agent = t.withIdentity({ issuer: "https://agents.test", subject: scoped });
    const listed = await agent.query(api.sessions.list, { paginationOpts: { numItems: 10, cursor: null } });
    expect(listed.page).toEqual([]);
    expect(await agent.query(api.playback.timeline, { sessionId: acme.sessionId })).toBeNull();
    expect(await refusalOf(agent.query(api.assets.get, { assetId: ids.assetId }))).toMatchObject({
      code: "ASSET_NOT_FOUND",
    });
    const create = { sessionKey: "k", title: "t" };
    expect(
      await refusalOf(agent.mutation(api.sessions.create, { ...create, project: "reels" })),
    ).toMatchObject({ code: "FORBIDDEN" });
    expect(await agent.mutation(api.sessions.create, { ...create, project: "own" })).toMatchObject({
      created: true,
    });
  });

  test("a person in two tenants says which one is meant", async () => {
    await t.run((ctx) =>
      ctx.db.insert("members", {
        tenantId: other.tenantId,
        tokenIdentifier: "https://people.test|acme-owner",
        name: "both",
        role: "viewer",
      }),
    );
    const both = acme.people.owner;
    const paginationOpts = { numItems: 10, cursor: null };
    expect(await refusalOf(both.query(api.sessions.list, { paginationOpts }))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const listed = await both.query(api.sessions.list, { paginationOpts, tenantId: other.tenantId });
    expect(listed.page).toMatchObject([{ sessionId: other.sessionId }]);
    expect(
      await refusalOf(both.mutation(api.sessions.end, { sessionId: other.sessionId, outcome: "ended" })),
    ).toMatchObject({ code: "FORBIDDEN" });
  });

  test("the fixture's agent is the tenant's own", async () => {
    const me = await (await agentOf(t, acme.tenantId)).query(api.viewer.me, {});
    expect(me.tenants).toMatchObject([{ slug: "acme", role: "agent" }]);
  });
});
