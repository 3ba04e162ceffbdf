import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AGENT_REPORT_INTERVAL_MS } from "../../contract/limits.ts";
import { api } from "../../convex/_generated/api";
import { addTenant, deployment, FIRST_PAGE, refusalOf } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  t = deployment();
  acme = await addTenant(t, "acme");
});

afterEach(() => void vi.useRealTimers());

const healthy = {
  agent: "renderer",
  version: "0.1.0",
  breakers: { s3: "closed" as const, convex: "closed" as const },
  queueDepth: 3,
};
const report = (over: Partial<typeof healthy> | { breakers: { s3: "open"; convex: "closed" } } = {}) =>
  acme.agent.mutation(api.agents.report, { ...healthy, ...over });
const listed = async () =>
  (await acme.people.admin.query(api.agents.list, { paginationOpts: FIRST_PAGE })).page;

test("an agent's report is what admins see of it, and its next one takes its place", async () => {
  await report();
  vi.setSystemTime(Date.now() + AGENT_REPORT_INTERVAL_MS);
  await report({ queueDepth: 9 });
  expect(await listed()).toMatchObject([
    {
      ...healthy,
      queueDepth: 9,
      keyName: "renderer of acme",
      reportedAt: 1_000_000 + AGENT_REPORT_INTERVAL_MS,
    },
  ]);
  await report({ agent: "second" });
  expect((await listed()).map(({ agent }) => agent)).toEqual(["second", "renderer"]);
});

test("a report without news is not written before half a minute is over", async () => {
  await report();
  vi.setSystemTime(Date.now() + AGENT_REPORT_INTERVAL_MS - 1);
  await report({ queueDepth: 4 });
  expect(await listed()).toMatchObject([{ queueDepth: 3, reportedAt: 1_000_000 }]);
  await report({ breakers: { s3: "open", convex: "closed" } });
  expect(await listed()).toMatchObject([{ breakers: { s3: "open" }, reportedAt: Date.now() }]);
});

test("[G6] admins see their own tenant's agents, editors see none", async () => {
  await report();
  const other = await addTenant(t, "other");
  const page = await other.people.owner.query(api.agents.list, { paginationOpts: FIRST_PAGE });
  expect(page.page).toEqual([]);
  expect(
    await refusalOf(acme.people.editor.query(api.agents.list, { paginationOpts: FIRST_PAGE })),
  ).toMatchObject({ code: "FORBIDDEN" });
});

test("[G7] a report that is none is refused, and nothing changes", async () => {
  expect(await refusalOf(report({ queueDepth: -1 }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await refusalOf(report({ agent: "" }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await listed()).toEqual([]);
});
