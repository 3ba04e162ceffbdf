import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MINUTE, SECOND } from "../../contract/limits.ts";
import type { RolloutStage } from "../../contract/rollout.ts";
import { api } from "../../convex/_generated/api";
import { addTenant, deployment, FIRST_PAGE } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  t = deployment();
  acme = await addTenant(t, "acme");
});

afterEach(() => void vi.useRealTimers());

interface Told {
  uploads: number;
  errors: number;
  agoMs?: number;
  stage?: RolloutStage;
  project?: string;
}

let sequence = 0;

/** A report as an agent sends it; what it sets off has happened when this resolves. */
async function report(
  told: Told | Told[],
  agent = "renderer",
  over: { instance?: string; sequence?: number } = {},
) {
  sequence += 1;
  await acme.agent.mutation(api.agents.report, {
    agent,
    version: "0.1.0",
    breakers: { s3: "closed", convex: "closed" },
    queueDepth: 0,
    outcomes: {
      instance: instanceOf(1),
      sequence,
      ...over,
      buckets: [told].flat().map(({ agoMs = 0, stage = "on-write" as const, ...rest }) => ({
        agoMs,
        stage,
        ...rest,
      })),
    },
  });
}
const settled = () => t.finishAllScheduledFunctions(vi.runAllTimers);

const instanceOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const stages = () => acme.agent.query(api.flags.get, {});
const stage = async () => (await stages())[0]?.stage;
const set = (args: { stage: RolloutStage; project?: string; pinned?: boolean }) =>
  acme.people.admin.mutation(api.flags.set, args);
const history = async () =>
  (await acme.people.admin.query(api.flags.history, { paginationOpts: FIRST_PAGE })).page;
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe("more than 5 % of at least 50 uploads", () => {
  test.each([
    { uploads: 49, errors: 49, becomes: "on-write" },
    { uploads: 50, errors: 50, becomes: "end-of-run" },
    { uploads: 100, errors: 5, becomes: "on-write" },
    { uploads: 1000, errors: 50, becomes: "on-write" },
    { uploads: 1000, errors: 51, becomes: "end-of-run" },
  ])("$errors of $uploads: $becomes", async ({ uploads, errors, becomes }) => {
    await report({ uploads, errors });
    await settled();
    expect(await stage()).toBe(becomes);
  });

  test("are summed over agents, and the reason, the figures and the agent are kept and audited", async () => {
    await report({ uploads: 30, errors: 2 }, "first");
    await settled();
    await report({ uploads: 30, errors: 2 }, "second", { instance: instanceOf(2) });
    await settled();
    const rolledBack = {
      from: "on-write",
      automatic: true,
      by: "second",
      reason: "4 of 60 uploads failed within five minutes (6.7 %).",
      figures: { uploads: 60, errors: 4, windowMs: 5 * MINUTE },
    };
    expect(await stages()).toMatchObject([{ stage: "end-of-run", pinned: false, ...rolledBack }]);
    expect(await history()).toMatchObject([{ to: "end-of-run", ...rolledBack }]);
    const audited = await t.run((ctx) => ctx.db.query("auditLog").take(10));
    expect(audited.slice(1)).toMatchObject([
      {
        action: "rollout.rollback",
        target: "tenant",
        actorName: "renderer of acme",
        detail: "on-write → end-of-run: 4 of 60 uploads failed within five minutes (6.7 %).",
      },
    ]);
  });

  test("from shadow, which nobody watches, lead to off; end-of-run and off stay", async () => {
    for (const [from, to] of [
      ["shadow", "off"],
      ["end-of-run", "end-of-run"],
      ["off", "off"],
    ] as const) {
      await set({ stage: from });
      pass(10 * SECOND);
      await report({ uploads: 60, errors: 60, stage: from });
      await settled();
      expect(await stage()).toBe(to);
    }
  });
});

describe("the five minutes slide", () => {
  test("uploads older than that count no more, whenever their report comes", async () => {
    await report({ uploads: 100, errors: 100, agoMs: 5 * MINUTE });
    await settled();
    expect(await stage()).toBe("on-write");
    await report({ uploads: 49, errors: 49, agoMs: 4 * MINUTE });
    pass(2 * MINUTE);
    await report({ uploads: 1, errors: 1 });
    await settled();
    expect(await stage()).toBe("on-write");
  });

  test("uploads within it count together, however many reports brought them", async () => {
    for (let minute = 0; minute < 4; minute++) {
      await report({ uploads: 12, errors: 1 });
      pass(MINUTE);
    }
    await settled();
    expect(await stage()).toBe("on-write");
    await report({ uploads: 2, errors: 0 });
    await settled();
    expect(await stage()).toBe("end-of-run");
  });

  test("rows stay small however long an agent reports", async () => {
    for (let minute = 0; minute < 30; minute++) {
      for (let tens = 0; tens < 6; tens++) {
        await report({ uploads: 10, errors: 0 });
        pass(10 * SECOND);
      }
    }
    const [row] = await t.run((ctx) => ctx.db.query("agentHealth").take(10));
    expect(row?.outcomes?.buckets.length).toBeLessThanOrEqual(30);
    expect(row?.outcomes?.added).toHaveLength(1);
  });
});

describe("[G3] one step for one cause", () => {
  test("ten agents that report at once take it together", async () => {
    const reports = Array.from({ length: 10 }, (_, index) =>
      report({ uploads: 60, errors: 60 }, `agent-${index}`, { instance: instanceOf(index) }),
    );
    await Promise.all(reports);
    await settled();
    expect(await stage()).toBe("end-of-run");
    expect(await history()).toHaveLength(1);
    await report({ uploads: 60, errors: 60 }, "agent-late", { instance: instanceOf(99) });
    await settled();
    expect(await history()).toHaveLength(1);
  });

  test("a report that arrives twice counts once", async () => {
    await report({ uploads: 30, errors: 30 }, "renderer", { sequence: 7_000 });
    await report({ uploads: 30, errors: 30 }, "renderer", { sequence: 7_000 });
    await settled();
    expect(await stage()).toBe("on-write");
    // Another process of the same name counts for itself.
    await report({ uploads: 30, errors: 30 }, "renderer", { instance: instanceOf(5), sequence: 7_000 });
    await settled();
    expect(await stage()).toBe("end-of-run");
  });

  test("what an admin raised again falls only for what happened since", async () => {
    await report({ uploads: 60, errors: 60 });
    await settled();
    pass(MINUTE);
    await set({ stage: "on-write" });
    await report({ uploads: 10, errors: 1, agoMs: 30 * SECOND });
    await settled();
    expect(await stage()).toBe("on-write");
    pass(10 * SECOND);
    await report({ uploads: 60, errors: 2 });
    await settled();
    expect(await stage()).toBe("on-write");
    await report({ uploads: 40, errors: 5 });
    await settled();
    expect(await stage()).toBe("end-of-run");
    expect(await history()).toMatchObject([
      { to: "end-of-run", automatic: true, figures: { uploads: 100, errors: 7 } },
      { to: "on-write", automatic: false },
      { to: "end-of-run", automatic: true, figures: { uploads: 60, errors: 60 } },
    ]);
  });

  test("what an admin pinned stays", async () => {
    await set({ stage: "on-write", pinned: true });
    pass(10 * SECOND);
    await report({ uploads: 600, errors: 600 });
    await settled();
    expect(await stage()).toBe("on-write");
  });
});

describe("a project with a stage of its own", () => {
  test("falls by itself, and only for its own uploads", async () => {
    await set({ stage: "shadow", project: "reels" });
    pass(10 * SECOND);
    await report([
      { uploads: 60, errors: 0 },
      { uploads: 60, errors: 60, stage: "shadow", project: "reels" },
    ]);
    await settled();
    expect(await stages()).toMatchObject([
      { stage: "on-write" },
      { project: "reels", stage: "off", automatic: true, figures: { uploads: 60, errors: 60 } },
    ]);
  });

  test("is not drawn down with its tenant", async () => {
    await set({ stage: "on-write", project: "reels" });
    pass(10 * SECOND);
    await report([
      { uploads: 60, errors: 60 },
      { uploads: 60, errors: 0, project: "reels" },
    ]);
    await settled();
    expect(await stages()).toMatchObject([{ stage: "end-of-run" }, { project: "reels", stage: "on-write" }]);
  });
});

test("[G6] another tenant's errors take nothing back", async () => {
  const other = await addTenant(t, "other");
  await report({ uploads: 60, errors: 60 });
  await settled();
  expect(await other.agent.query(api.flags.get, {})).toMatchObject([{ stage: "on-write" }]);
});
