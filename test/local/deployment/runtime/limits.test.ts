import { describe, expect, it } from "vitest";
import type { CommitNotice } from "../../../../local/deployment/engine.ts";
import { anonymous, errorOf, openApp, valueOf } from "./open-app.ts";

const requestId = "0123456789abcdef";

const files = {
  "rows.ts": `
    export const all = query({ args: {}, handler: async (ctx) => (await ctx.db.query("rows").collect()).map((row) => row.name) });
    export const add = mutation({ args: { name: v.string() }, handler: async (ctx, { name }) => { await ctx.db.insert("rows", { name }); } });
    export const spin = mutation({ args: {}, handler: async (ctx) => { await ctx.db.insert("rows", { name: "spun" }); for (;;); } });
    export const spinning = query({ args: {}, handler: async () => { for (;;); } });
    export const hang = mutation({ args: {}, handler: async (ctx) => { await ctx.db.insert("rows", { name: "hung" }); await new Promise(() => {}); } });
    export const gorge = query({ args: {}, handler: async () => { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); } });
    export const spinAction = action({ args: {}, handler: async () => { for (;;); } });
    export const sleep = action({ args: {}, handler: async () => { await new Promise((resolve) => setTimeout(resolve, 60_000)); } });
    export const quick = action({ args: {}, handler: async () => "quick" });`,
};

describe("a function that does not return", () => {
  it("is ended, changes nothing, and neither what came before nor what waits behind it is lost", async () => {
    const app = await openApp(files, { functionMs: 1000 });
    const [before, spin, after] = await Promise.all([
      app.mutation("rows:add", { name: "before" }),
      app.mutation("rows:spin"),
      app.mutation("rows:add", { name: "after" }),
    ]);
    expect(before.ok && after.ok).toBe(true);
    expect(errorOf(spin)).toBe("Function execution timed out (maximum duration: 1s)");
    expect(valueOf(await app.query("rows:all"))).toEqual(["before", "after"]);
  });

  it("takes no other query of its batch down, and every watch is told to run again [G4]", async () => {
    const app = await openApp(files, { functionMs: 1000 });
    const notices: CommitNotice[] = [];
    app.engine.onCommit((notice) => notices.push(notice));
    const request = (path: string, watch: number) => ({
      path,
      args: {},
      caller: anonymous,
      requestId,
      journal: null,
      watch,
    });
    await app.engine.queries([request("rows:all", 1)]);
    const { results } = await app.engine.queries([
      request("rows:all", 2),
      request("rows:spinning", 3),
      request("rows:all", 4),
    ]);
    expect(results.map(({ outcome }) => outcome.ok)).toEqual([true, false, true]);
    expect(notices.flatMap(({ watches }) => watches)).toEqual([1, 2, 4]);
    // The one that did not return gets another chance with other code.
    await app.push({ "rows.ts": files["rows.ts"].replaceAll("for (;;);", "") });
    expect(notices.flatMap(({ watches }) => watches)).toContain(3);
  });

  it("because nothing can resolve what it awaits, is ended without stopping the others", async () => {
    const app = await openApp(files);
    expect(errorOf(await app.mutation("rows:hang"))).toBe("Returned promise will never resolve");
    expect(valueOf(await app.query("rows:all"))).toEqual([]);
  });

  it("because it takes all memory, is ended and the next one runs", async () => {
    const app = await openApp(files, { heapMb: 96, functionMs: 60_000 });
    expect(errorOf(await app.query("rows:gorge"))).toBe("Function execution ran out of memory");
    expect(valueOf(await app.query("rows:all"))).toEqual([]);
  });
});

describe("an action that does not return", () => {
  it("is given up on after its time, and the next one runs", async () => {
    const app = await openApp(files, { actionMs: 300 });
    expect(errorOf(await app.action("rows:sleep"))).toBe(
      "Function execution timed out (maximum duration: 0.3s)",
    );
    expect(valueOf(await app.action("rows:quick"))).toBe("quick");
  });

  it("because it is busy, is ended with its thread, and the next one runs", async () => {
    const app = await openApp(files, { unresponsiveMs: 1000 });
    expect(errorOf(await app.action("rows:spinAction"))).toContain("kept its thread busy for more than 1s");
    expect(valueOf(await app.action("rows:quick"))).toBe("quick");
  });
});
