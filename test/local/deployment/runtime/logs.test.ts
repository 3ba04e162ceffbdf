import { describe, expect, it } from "vitest";
import { openApp } from "./open-app.ts";

const files = {
  "jobs.ts": `
    export const ask = query({ args: {}, handler: async () => { console.log("asked"); } });
    export const fail = mutation({ args: {}, handler: async () => { throw new Error("no"); } });
    export const act = action({ args: {}, handler: async (ctx) => { await ctx.runQuery(api.jobs.ask, {}); } });`,
};

describe("the log", () => {
  it("has every run with what it printed and how it failed, those of an action's calls too", async () => {
    const { engine, query, mutation, action } = await openApp(files);
    await query("jobs:ask");
    await mutation("jobs:fail");
    await action("jobs:act");
    const { entries, newCursor } = await engine.logs(0, 0);
    expect(entries).toMatchObject([
      { identifier: "jobs:ask", udfType: "Query", logLines: ["[LOG] 'asked'"] },
      {
        identifier: "jobs:fail",
        udfType: "Mutation",
        error: expect.stringMatching(/^Uncaught Error: no/) as string,
      },
      { identifier: "jobs:ask", udfType: "Query" },
      { identifier: "jobs:act", udfType: "Action", requestId: "0123456789abcdef" },
    ]);
    expect(await engine.logs(newCursor, 0)).toEqual({ entries: [], newCursor });
  });

  it("wakes a reader with the next run, and lets it go when the deployment closes", async () => {
    const { engine, query } = await openApp(files);
    const next = engine.logs(0, 60_000);
    await query("jobs:ask");
    const { entries, newCursor } = await next;
    expect(entries).toHaveLength(1);
    const last = engine.logs(newCursor, 60_000);
    await engine.close();
    expect((await last).entries).toEqual([]);
  });
});
