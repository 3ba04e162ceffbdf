import { describe, expect, it } from "vitest";
import type { CommitNotice } from "../../../../local/deployment/engine.ts";
import { admin, anonymous, errorOf, openApp, valueOf } from "./open-app.ts";

const rows = `
  export const all = query({ args: {}, handler: async (ctx) => (await ctx.db.query("rows").collect()).map((row) => row.name) });
  export const add = mutation({ args: { name: v.string() }, handler: async (ctx, { name }) => await ctx.db.insert("rows", { name }) });
  export const addAndFail = internalMutation({ args: { name: v.string() }, handler: async (ctx, { name }) => {
    await ctx.db.insert("rows", { name });
    await ctx.scheduler.runAfter(0, api.rows.add, { name: "scheduled by " + name });
    throw new ConvexError({ reason: name });
  }});`;

describe("a mutation", () => {
  it("that fails changes nothing, and its error carries the data it threw", async () => {
    const app = await openApp({ "rows.ts": rows });
    const outcome = await app.mutation("rows:addAndFail", { name: "a" }, admin);
    expect(outcome).toMatchObject({ ok: false, errorData: { reason: "a" } });
    expect(errorOf(outcome)).toMatch(/^Uncaught ConvexError: \{"reason":"a"\}/);
    expect(valueOf(await app.query("rows:all"))).toEqual([]);
    expect(
      valueOf(
        await app.query(
          "_system/cli/tableData:default",
          {
            table: "_scheduled_functions",
            order: "asc",
            paginationOpts: { cursor: null, numItems: 10 },
          },
          admin,
        ),
      ),
    ).toMatchObject({ page: [] });
  });

  it("keeps its own writes when a nested mutation fails and it goes on", async () => {
    const app = await openApp({
      "rows.ts": `${rows}
        export const outer = mutation({ args: {}, handler: async (ctx) => {
          await ctx.db.insert("rows", { name: "before" });
          let data = null;
          try { await ctx.runMutation(api.rows.middle, {}); } catch (error) { data = (error as any).data; }
          const seen = await ctx.runQuery(api.rows.all, {});
          await ctx.db.insert("rows", { name: "after" });
          return { data, seen };
        }});
        export const middle = internalMutation({ args: {}, handler: async (ctx) => {
          await ctx.db.insert("rows", { name: "middle" });
          await ctx.runMutation(api.rows.addAndFail, { name: "inner" });
        }});`,
    });
    expect(valueOf(await app.mutation("rows:outer"))).toEqual({
      data: { reason: "inner" },
      seen: ["before"],
    });
    expect(valueOf(await app.query("rows:all"))).toEqual(["before", "after"]);
  });

  it("keeps a write made while a nested mutation was failing", async () => {
    const app = await openApp({
      "rows.ts": `${rows}
        export const both = mutation({ args: {}, handler: async (ctx) => {
          const results = await Promise.allSettled([
            ctx.runMutation(api.rows.addAndFail, { name: "a" }),
            ctx.db.insert("rows", { name: "mine" }),
            ctx.runMutation(api.rows.add, { name: "b" }),
            ctx.runMutation(api.rows.addAndFail, { name: "c" }),
          ]);
          return results.map(({ status }) => status);
        }});`,
    });
    expect(valueOf(await app.mutation("rows:both"))).toEqual([
      "rejected",
      "fulfilled",
      "fulfilled",
      "rejected",
    ]);
    expect(valueOf(await app.query("rows:all"))).toEqual(["mine", "b"]);
  });

  it("includes what it did not wait for, and fails on a rejection it did not handle", async () => {
    const app = await openApp({
      "rows.ts": `${rows}
        export const loose = mutation({ args: {}, handler: async (ctx) => {
          void ctx.db.insert("rows", { name: "one" }).then(() => ctx.db.insert("rows", { name: "two" }));
        }});
        export const hashing = mutation({ args: {}, handler: async (ctx) => {
          void crypto.subtle.digest("SHA-1", new Uint8Array(9)).then(() => ctx.db.insert("rows", { name: "hashed" }));
        }});
        export const throwing = mutation({ args: {}, handler: async (ctx) => {
          await ctx.db.insert("rows", { name: "lost" });
          queueMicrotask(() => { throw new Error("from a microtask"); });
        }});
        export const rejecting = mutation({ args: {}, handler: async (ctx) => {
          await ctx.db.insert("rows", { name: "lost" });
          void ctx.db.patch("nonsense" as any, {});
        }});`,
    });
    await app.mutation("rows:loose");
    await app.mutation("rows:hashing");
    expect(errorOf(await app.mutation("rows:throwing"))).toContain("Uncaught Error: from a microtask");
    expect(errorOf(await app.mutation("rows:rejecting"))).toContain("Unable to decode ID");
    expect(valueOf(await app.query("rows:all"))).toEqual(["one", "two", "hashed"]);
  });

  it("cannot nest without end, and a query cannot run a mutation", async () => {
    const app = await openApp({
      "rows.ts": `${rows}
        export const again = mutation({ args: {}, handler: async (ctx) => { await ctx.runMutation(api.rows.again, {}); } });
        export const sneaky = query({ args: {}, handler: async () => {
          await (globalThis as any).Convex.asyncSyscall("1.0/runUdf", JSON.stringify({ udfType: "mutation", name: "rows:add", args: { name: "x" } }));
        }});`,
    });
    expect(errorOf(await app.mutation("rows:again"))).toContain("nested too deeply (limit: 8)");
    expect(errorOf(await app.query("rows:sneaky"))).toContain("is not available in queries");
  });

  it("with the same session and request takes effect once, also after a restart [G3]", async () => {
    let app = await openApp({ "rows.ts": rows });
    const request = {
      path: "rows:add",
      args: { name: "a" },
      caller: anonymous,
      requestId: "0123456789abcdef",
      dedupe: { sessionId: "session", requestId: 0 },
    };
    const [first, second] = await Promise.all([app.engine.mutation(request), app.engine.mutation(request)]);
    expect(valueOf(second.outcome)).toBe(valueOf(first.outcome));
    app = await app.reopen();
    const third = await app.engine.mutation(request);
    expect(valueOf(third.outcome)).toBe(valueOf(first.outcome));
    expect(third.ts! >= first.ts!).toBe(true);
    expect(valueOf(await app.query("rows:all"))).toEqual(["a"]);
  });

  it("sees every earlier one's writes, however many are asked for at once", async () => {
    const app = await openApp({
      "counter.ts": `
        export const increment = mutation({ args: {}, handler: async (ctx) => {
          const counter = await ctx.db.query("counters").first();
          if (counter === null) { await ctx.db.insert("counters", { n: 1 }); return 1; }
          await ctx.db.patch(counter._id, { n: counter.n + 1 });
          return counter.n + 1;
        }});`,
    });
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => app.mutation("counter:increment")));
    expect(outcomes.map(valueOf)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  it("refuses to touch system tables", async () => {
    const app = await openApp({
      "rows.ts": `
        export const insert = mutation({ args: {}, handler: async () => {
          await (globalThis as any).Convex.asyncSyscall("1.0/insert", JSON.stringify({ table: "_storage", value: {} }));
        }});
        export const schedule = mutation({ args: {}, handler: async (ctx) => await ctx.scheduler.runAfter(60_000, api.rows.schedule, {}) });
        export const patch = mutation({ args: { id: v.any() }, handler: async (ctx, { id }) => { await ctx.db.patch(id, { name: "x" }); } });`,
    });
    const id = valueOf(await app.mutation("rows:schedule"));
    expect(errorOf(await app.mutation("rows:insert"))).toContain(
      "Cannot write to the system table `_storage`",
    );
    expect(errorOf(await app.mutation("rows:patch", { id }))).toContain("Cannot write to the system table");
  });
});

describe("a watched query", () => {
  it("is named by the commits that touch what it read, also when it had failed [G4]", async () => {
    const app = await openApp({
      "rows.ts": `${rows}
        export const needs = query({ args: {}, handler: async (ctx) => {
          if ((await ctx.db.query("rows").first()) === null) throw new Error("empty");
          return "there";
        }});
        export const other = mutation({ args: {}, handler: async (ctx) => { await ctx.db.insert("others", {}); } });`,
    });
    const notices: CommitNotice[] = [];
    app.engine.onCommit((notice) => notices.push(notice));
    const query = {
      path: "rows:needs",
      args: {},
      caller: anonymous,
      requestId: "0123456789abcdef",
      journal: null,
      watch: 7,
    };
    const { results } = await app.engine.queries([query]);
    expect(errorOf(results[0]!.outcome)).toContain("empty");
    await app.mutation("rows:other");
    expect(notices.flatMap(({ watches }) => watches)).toEqual([]);
    const { ts } = await app.engine.mutation({ ...query, path: "rows:add", args: { name: "a" } });
    expect(notices.at(-1)).toEqual({ ts, watches: [7] });
    expect(app.engine.latestTs()).toBe(ts);
    app.engine.unwatch([7]);
    await app.mutation("rows:add", { name: "b" });
    expect(notices.at(-1)!.watches).toEqual([]);
  });
});
