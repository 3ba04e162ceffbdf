import { describe, expect, it } from "vitest";
import type { ReadSet } from "../../../../local/deployment/database/database.ts";
import type { Caller } from "../../../../local/deployment/engine.ts";
import { ResultCache } from "../../../../local/deployment/runtime/transactions/result-cache.ts";
import { admin, anonymous, openApp, valueOf } from "./open-app.ts";

// What a module keeps between calls tells how often its functions really ran.
const files = {
  "schema.ts": `export default defineSchema({ rows: defineTable({ n: v.number() }), others: defineTable({}) });`,
  "app.ts": `
    let runs = 0;
    export const sum = query({ args: { more: v.optional(v.number()) }, handler: async (ctx, { more = 0 }) => {
      console.log("summing");
      const rows = await ctx.db.query("rows").collect();
      return { run: ++runs, sum: rows.reduce((sum, { n }) => sum + n, more) };
    } });
    export const hidden = internalQuery({ args: {}, handler: async () => ({ run: ++runs }) });
    export const setting = query({ args: {}, handler: async () => ({ run: ++runs, value: process.env.SETTING ?? null }) });
    export const caller = query({ args: {}, handler: async (ctx) => ({ run: ++runs, me: (await ctx.auth.getUserIdentity())?.subject ?? null }) });
    export const failing = query({ args: {}, handler: async () => { throw new Error("run " + ++runs); } });
    export const clock = query({ args: {}, handler: async () => ({ run: ++runs, now: Date.now() }) });
    export const today = query({ args: {}, handler: async () => ({ run: ++runs, day: new Date().getDay() }) });
    export const epoch = query({ args: {}, handler: async () => ({ run: ++runs, year: new Date(0).getUTCFullYear() }) });
    export const dice = query({ args: {}, handler: async () => ({ run: ++runs, eyes: Math.random() }) });
    export const uuid = query({ args: {}, handler: async () => ({ run: ++runs, id: crypto.randomUUID() }) });
    export const add = mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => { await ctx.db.insert("rows", { n }); } });
    export const addOther = mutation({ args: {}, handler: async (ctx) => { await ctx.db.insert("others", {}); } });`,
};

const user = (subject: string): Caller => ({
  kind: "user",
  identity: { tokenIdentifier: `https://issuer|${subject}`, issuer: "https://issuer", subject },
  expiresAtMs: Date.now() + 3_600_000,
});

async function open() {
  const app = await openApp(files);
  const runOf = async (...call: Parameters<typeof app.query>) =>
    (valueOf(await app.query(...call)) as { run: number }).run;
  return { ...app, runOf };
}

describe("the result of a query", () => {
  it("is kept, with what it printed, until a commit touches what it read", async () => {
    const { query, mutation, runOf } = await open();
    await mutation("app:add", { n: 1 });
    const first = await query("app:sum");
    expect(valueOf(first)).toMatchObject({ sum: 1 });
    expect(await query("app:sum")).toEqual(first);
    expect(first.logLines).toEqual(["[LOG] 'summing'"]);
    const run = await runOf("app:sum");
    await mutation("app:addOther");
    expect(await runOf("app:sum")).toBe(run);
    await mutation("app:add", { n: 2 });
    expect(valueOf(await query("app:sum"))).toEqual({ run: run + 1, sum: 3 });
  });

  it("is another one for other arguments and for another caller, and no way around visibility", async () => {
    const { query, runOf } = await open();
    const run = await runOf("app:sum");
    expect(await runOf("app:sum", { more: 1 })).toBe(run + 1);
    expect(valueOf(await query("app:caller", {}, user("ada")))).toMatchObject({ me: "ada" });
    expect(valueOf(await query("app:caller", {}, user("ben")))).toMatchObject({ me: "ben" });
    expect(valueOf(await query("app:caller"))).toMatchObject({ me: null });
    expect((await query("app:hidden", {}, admin)).ok).toBe(true);
    expect((await query("app:hidden", {}, anonymous)).ok).toBe(false);
  });

  it.each(["clock", "today", "dice", "uuid", "failing"])(
    "is not kept of a run that may end otherwise: %s",
    async (name) => {
      const { query } = await open();
      const path = `app:${name}`;
      expect(await query(path)).not.toEqual(await query(path));
    },
  );

  it("is kept of a run that only handles times it was given", async () => {
    const { query } = await open();
    expect(await query("app:epoch")).toEqual(await query("app:epoch"));
  });

  it("follows variables and pushes", async () => {
    const { engine, query, push, runOf } = await open();
    const run = await runOf("app:setting");
    expect(await runOf("app:setting")).toBe(run);
    await engine.changeEnvironment([{ name: "SETTING", value: "on" }]);
    expect(valueOf(await query("app:setting"))).toEqual({ run: run + 1, value: "on" });
    await push({ ...files, "app.ts": files["app.ts"].replace("let runs = 0", "let runs = 100") });
    expect(await runOf("app:setting")).toBe(101);
  });

  it("can be watched like one that has just been found", async () => {
    const { engine, query, mutation } = await open();
    await query("app:sum");
    const request = {
      path: "app:sum",
      args: {},
      caller: anonymous,
      requestId: "0123456789abcdef",
      journal: null,
    };
    await engine.queries([{ ...request, watch: 7 }]);
    const notice = new Promise<number[]>((resolve) => engine.onCommit(({ watches }) => resolve(watches)));
    await mutation("app:add", { n: 1 });
    expect(await notice).toEqual([7]);
  });
});

describe("a full cache of results", () => {
  it("gives up the ones not asked for longest, together with their watches", () => {
    const watched = new Map<number, ReadSet>();
    const cache = new ResultCache({
      watch: (watch, reads) => void watched.set(watch, reads),
      unwatch: (watch) => void watched.delete(watch),
    });
    const output = (value: string) => ({
      outcome: { ok: true as const, value, logLines: [] },
      journal: null,
    });
    const reads: ReadSet = { intervals: [], environment: [] };
    const megabyte = JSON.stringify("x".repeat(1024 * 1024));
    for (let i = 0; i < 30; i++) {
      cache.add(`result ${i}`, output(megabyte), reads);
      expect(cache.get("result 0")).toBeDefined();
    }
    expect(cache.get("result 1")).toBeUndefined();
    expect(cache.get("result 29")).toBeDefined();
    expect(watched.size).toBeLessThan(17);
    expect(cache.invalidate([5, ...watched.keys()])).toEqual([5]);
    expect(watched.size).toBe(0);
    expect(cache.get("result 29")).toBeUndefined();
  });
});
