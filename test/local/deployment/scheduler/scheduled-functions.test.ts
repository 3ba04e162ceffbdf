import { describe, expect, it } from "vitest";
import type { Engine } from "../../../../local/deployment/engine.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";
import { errorOf, openApp, valueOf } from "../runtime/open-app.ts";
import type { OpenApp } from "../runtime/open-app.ts";

const files = {
  "jobs.ts": `
    const schedule = (ctx: any, ms: number, name: string, args: any) => ctx.scheduler.runAfter(ms, (api.jobs as any)[name], args);
    export const later = mutation({ args: { ms: v.number(), name: v.string(), args: v.any() }, handler: (ctx, { ms, name, args }) => schedule(ctx, ms, name, args) });
    export const laterFromAction = action({ args: { ms: v.number(), name: v.string(), args: v.any() }, handler: (ctx, { ms, name, args }) => schedule(ctx, ms, name, args) });
    export const laterWithNonsense = action({ args: {}, handler: (ctx) => schedule(ctx, 0, "add", { name: String.fromCharCode(0xd800) }) });
    export const cancel = mutation({ args: { id: v.id("_scheduled_functions") }, handler: async (ctx, { id }) => { await ctx.scheduler.cancel(id); } });
    export const job = query({ args: { id: v.id("_scheduled_functions") }, handler: (ctx, { id }) => ctx.db.system.get(id) });
    export const rows = query({ args: {}, handler: async (ctx) => (await ctx.db.query("rows").collect()).map((row) => row.name) });
    export const add = internalMutation({ args: { name: v.string() }, handler: async (ctx, { name }) => {
      await ctx.db.insert("rows", { name: (await ctx.auth.getUserIdentity()) ? "authenticated" : name });
    }});
    export const fail = internalMutation({ args: {}, handler: async (ctx) => { await ctx.db.insert("rows", { name: "lost" }); throw new Error("no"); } });
    export const spin = internalMutation({ args: {}, handler: async () => { for (;;); } });
    export const act = internalAction({ args: {}, handler: async (ctx) => { await ctx.runMutation(api.jobs.add, { name: "acted" }); } });
    export const sleep = internalAction({ args: {}, handler: async (ctx) => {
      await ctx.runMutation(api.jobs.add, { name: "started" });
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }});`,
};

/** Resolves once `condition` holds, looked at after each commit. */
function when(engine: Engine, condition: () => Promise<boolean>): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      condition().then((holds) => {
        if (!holds) return;
        stop();
        resolve();
      }, reject);
    };
    const stop = engine.onCommit(look);
    look();
  });
}

const stateOf = async (app: OpenApp, id: Json) =>
  (valueOf(await app.query("jobs:job", { id })) as { state: { kind: string } }).state;
const settled = (app: OpenApp, id: Json) =>
  when(app.engine, async () => !["pending", "inProgress"].includes((await stateOf(app, id)).kind));
const rows = async (app: OpenApp) => valueOf(await app.query("jobs:rows"));

describe("a scheduled mutation", () => {
  it("runs once when it is due, without its scheduler's identity, and its document says so", async () => {
    const app = await openApp(files);
    const identity = { tokenIdentifier: "i|ann", issuer: "i", subject: "ann" };
    const ann = { kind: "user", identity, expiresAtMs: Infinity } as const;
    const id = valueOf(await app.mutation("jobs:later", { ms: 20, name: "add", args: { name: "a" } }, ann));
    expect(valueOf(await app.query("jobs:job", { id }))).toMatchObject({
      name: "jobs.js:add",
      args: [{ name: "a" }],
      state: { kind: "pending" },
    });
    await settled(app, id);
    expect(valueOf(await app.query("jobs:job", { id }))).toMatchObject({
      state: { kind: "success" },
      completedTime: expect.any(Number) as number,
    });
    expect(await rows(app)).toEqual(["a"]);
  });

  it("that was due while the deployment was down runs once at the next start, and never again [G3]", async () => {
    let app = await openApp(files);
    const id = valueOf(await app.mutation("jobs:later", { ms: 0, name: "add", args: { name: "soon" } }));
    const later = valueOf(
      await app.mutation("jobs:later", { ms: 1000, name: "add", args: { name: "down" } }),
    );
    await settled(app, id);
    app = await app.reopen();
    await settled(app, later);
    expect(await rows(app)).toEqual(["soon", "down"]);
    app = await app.reopen();
    await app.mutation("jobs:later", { ms: 0, name: "add", args: { name: "last" } });
    await when(app.engine, async () => ((await rows(app)) as string[]).includes("last"));
    expect(await rows(app)).toEqual(["soon", "down", "last"]);
  });

  it("that fails or does not return is failed, with nothing written", async () => {
    const app = await openApp(files, { functionMs: 1000 });
    const failing = valueOf(await app.mutation("jobs:later", { ms: 0, name: "fail", args: {} }));
    await settled(app, failing);
    expect(await stateOf(app, failing)).toMatchObject({
      kind: "failed",
      error: expect.stringContaining("Uncaught Error: no") as string,
    });
    const spinning = valueOf(await app.mutation("jobs:later", { ms: 0, name: "spin", args: {} }));
    await settled(app, spinning);
    expect(await stateOf(app, spinning)).toMatchObject({
      kind: "failed",
      error: expect.stringContaining("timed out") as string,
    });
    expect(await rows(app)).toEqual([]);
  });

  it("that is canceled in time does not run", async () => {
    const app = await openApp(files);
    const id = valueOf(await app.mutation("jobs:later", { ms: 200, name: "add", args: { name: "never" } }));
    await app.mutation("jobs:cancel", { id });
    const other = valueOf(
      await app.mutation("jobs:later", { ms: 250, name: "add", args: { name: "after" } }),
    );
    await settled(app, other);
    expect(await stateOf(app, id)).toEqual({ kind: "canceled" });
    expect(await rows(app)).toEqual(["after"]);
  });

  it("must exist", async () => {
    const app = await openApp(files);
    const outcome = await app.mutation("jobs:later", { ms: 0, name: "nope", args: {} });
    expect(outcome).toMatchObject({
      ok: false,
      errorMessage: expect.stringContaining("nonexistent path: jobs.js:nope") as string,
    });
  });

  it("is refused to an action in the same words, without the engine's own stack", async () => {
    const app = await openApp(files);
    const refusal = async (path: string, args: Json) =>
      errorOf(await app.action(path, args)).split("\n    at ")[0];
    expect(await refusal("jobs:laterFromAction", { ms: 0, name: "nope", args: {} })).toBe(
      "Uncaught Error: Attempted to schedule function at nonexistent path: jobs.js:nope",
    );
    expect(await refusal("jobs:laterWithNonsense", {})).toBe(
      "Uncaught Error: A string contains a lone surrogate, so it is not well-formed Unicode.",
    );
  });
});

describe("a scheduled action", () => {
  it("runs, also when another action scheduled it", async () => {
    const app = await openApp(files);
    const id = valueOf(await app.action("jobs:laterFromAction", { ms: 0, name: "act", args: {} }));
    await settled(app, id);
    expect(await stateOf(app, id)).toEqual({ kind: "success" });
    expect(await rows(app)).toEqual(["acted"]);
  });

  it("that was running when the deployment stopped has failed, and is not started again", async () => {
    let app = await openApp(files);
    const id = valueOf(await app.mutation("jobs:later", { ms: 0, name: "sleep", args: {} }));
    await when(app.engine, async () => ((await rows(app)) as string[]).includes("started"));
    app = await app.reopen();
    expect(await stateOf(app, id)).toEqual({
      kind: "failed",
      error: "Transient error while executing action",
    });
    expect(await rows(app)).toEqual(["started"]);
  });
});

describe("a scheduled action that outlives the worker", () => {
  it("is not taken for one that a stopped deployment left behind", async () => {
    const app = await openApp(
      {
        "jobs.ts": `${files["jobs.ts"]}
          export const slow = internalAction({ args: {}, handler: async (ctx) => {
            await ctx.runMutation(api.jobs.add, { name: "started" });
            while (!((await ctx.runQuery(api.jobs.rows, {})) as string[]).includes("go")) {
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
          }});`,
      },
      { functionMs: 1000 },
    );
    const id = valueOf(await app.mutation("jobs:later", { ms: 0, name: "slow", args: {} }));
    await when(app.engine, async () => ((await rows(app)) as string[]).includes("started"));
    expect((await app.mutation("jobs:spin", {}, { kind: "admin" })).ok).toBe(false);
    expect(await stateOf(app, id)).toEqual({ kind: "inProgress" });
    await app.mutation("jobs:add", { name: "go" }, { kind: "admin" });
    await settled(app, id);
    expect(await stateOf(app, id)).toEqual({ kind: "success" });
  });
});

describe("a cron", () => {
  const crons = (text: string) => ({
    ...files,
    "crons.ts": `const crons = cronJobs(); ${text} export default crons;`,
  });

  it("of an interval runs at once and again, and stops when a push removes it", async () => {
    const app = await openApp(
      crons(`crons.interval("tick", { seconds: 1 }, api.jobs.add, { name: "tick" });`),
    );
    await when(app.engine, async () => ((await rows(app)) as string[]).length >= 2);
    await app.push(files);
    const count = ((await rows(app)) as string[]).length;
    const id = valueOf(await app.mutation("jobs:later", { ms: 1500, name: "add", args: { name: "end" } }));
    await settled(app, id);
    expect(((await rows(app)) as string[]).length).toBe(count + 1);
  });

  it("that is pushed again unchanged keeps its next run, also over a restart", async () => {
    const hourly = crons(`crons.interval("slow", { hours: 1 }, api.jobs.act, {});`);
    let app = await openApp(hourly);
    await when(app.engine, async () => ((await rows(app)) as string[]).length === 1);
    await app.push(hourly);
    app = await app.reopen();
    const id = valueOf(await app.mutation("jobs:later", { ms: 100, name: "add", args: { name: "end" } }));
    await settled(app, id);
    expect(await rows(app)).toEqual(["acted", "end"]);
  });
});
