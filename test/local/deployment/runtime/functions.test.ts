import { describe, expect, it } from "vitest";
import { admin, errorOf, openApp, valueOf } from "./open-app.ts";

describe("finding a function", () => {
  const files = {
    "messages.ts": `
      export const list = query({ args: {}, handler: async () => [] });
      export const secret = internalQuery({ args: {}, handler: async () => "secret" });
      export const typed = query({ args: { n: v.number() }, returns: v.string(), handler: async (_ctx, { n }) => n });
      export default query({ args: {}, handler: async () => "default" });`,
    "deep/er.ts": `export const list = query({ args: {}, handler: async () => "deeper" });`,
  };

  it("accepts every spelling of a path", async () => {
    const app = await openApp(files);
    expect(valueOf(await app.query("messages:list"))).toEqual([]);
    expect(valueOf(await app.query("messages.js:list"))).toEqual([]);
    expect(valueOf(await app.query("messages"))).toBe("default");
    expect(valueOf(await app.query("deep/er:list"))).toBe("deeper");
  });

  it("hides internal functions from everybody but admins", async () => {
    const app = await openApp(files);
    expect(errorOf(await app.query("messages:secret"))).toContain(
      "Could not find public function for 'messages:secret'",
    );
    expect(errorOf(await app.query("messages:nope"))).toContain(
      "Could not find public function for 'messages:nope'",
    );
    expect(valueOf(await app.query("messages:secret", {}, admin))).toBe("secret");
    const call = { path: "messages:nope", args: {}, caller: admin, requestId: "0123456789abcdef" };
    expect(errorOf(await app.engine.anyFunction(call))).toContain(
      "Could not find function for 'messages:nope'",
    );
  });

  it("refuses a function of another type, and arguments and results that do not fit [G7]", async () => {
    const app = await openApp(files);
    expect(errorOf(await app.mutation("messages:list"))).toBe(
      "Trying to execute messages.js:list as Mutation, but it is defined as Query.",
    );
    expect(errorOf(await app.query("messages:typed"))).toMatch(
      /^ArgumentValidationError: Object is missing the required field `n`/,
    );
    expect(errorOf(await app.query("messages:typed", { n: 1 }))).toMatch(
      /^ReturnsValidationError: Value does not match/,
    );
    expect(errorOf(await app.query("messages:list", [1, 2]))).toMatch(/^ArgumentValidationError/);
  });
});

describe("the world of queries and mutations", () => {
  it("has frozen time, seeded randomness and no Node.js", async () => {
    const app = await openApp({
      "world.ts": `
        export const look = query({ args: {}, handler: async (ctx) => {
          const before = Date.now();
          for (let i = 0; i < 1e6; i++) Math.sqrt(i);
          await ctx.db.query("none").collect();
          const random = [Math.random(), Math.random()];
          return {
            sameTime: Date.now() === before && new Date().getTime() === before
              && new (new Date().constructor as DateConstructor)().getTime() === before && Date() === new Date(before).toString(),
            isDate: new Date(0) instanceof Date && new Date(2020, 1, 1).getFullYear() === 2020,
            performance: performance.now(),
            differs: random[0] !== random[1],
            uuid: crypto.randomUUID(),
            hash: new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(3))).length,
            globals: ["Buffer", "global", "setImmediate", "require"].filter((name) => name in globalThis && (globalThis as any)[name] !== undefined),
            process: Object.keys(process),
          };
        }});
        const refused = (use: () => unknown) => query({ args: {}, handler: async () => { await use(); } });
        export const fetching = refused(() => fetch("http://127.0.0.1:1"));
        export const timing = refused(() => setTimeout(() => {}, 1));
        export const keys = refused(() => crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]));
        export const dynamic = refused(() => { const name = "./world.js"; return import(name); });`,
    });
    expect(valueOf(await app.query("world:look"))).toEqual({
      sameTime: true,
      isDate: true,
      performance: 0,
      differs: true,
      uuid: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ) as string,
      hash: 32,
      globals: [],
      process: ["env"],
    });
    expect(errorOf(await app.query("world:fetching"))).toContain(
      "Can't use fetch() in queries and mutations",
    );
    expect(errorOf(await app.query("world:timing"))).toContain(
      "Can't use setTimeout() in queries and mutations",
    );
    expect(errorOf(await app.query("world:keys"))).toContain("Can't use cryptographic randomness");
    expect(errorOf(await app.query("world:dynamic"))).toContain("Can't dynamically import");
  });

  it("collects what the function prints, also when it fails", async () => {
    const app = await openApp({
      "print.ts": `export const out = query({ args: {}, handler: async () => {
        console.log("text", 1, { a: [2] }); console.error("bad"); console.debug(1n); throw new Error("end");
      }});`,
    });
    const outcome = await app.query("print:out");
    expect(outcome.logLines).toEqual(["[LOG] 'text' 1 { a: [ 2 ] }", "[ERROR] 'bad'", "[DEBUG] 1n"]);
    expect(errorOf(outcome)).toMatch(/^Uncaught Error: end\n    at handler \(.*print\.ts:\d+:\d+\)/);
  });

  it("offers no database and no other function while a module is loaded", async () => {
    await expect(
      openApp({ "top.ts": `await (globalThis as any).Convex.asyncSyscall("1.0/get", "{}"); export {};` }),
    ).rejects.toThrow("Failed to analyze top.js: Uncaught Error: Can't use database at import time");
    await expect(openApp({ "top.ts": `fetch("http://127.0.0.1:1"); export {};` })).rejects.toThrow(
      "fetch() unsupported at import time",
    );
  });
});

describe("the caller", () => {
  it("is known to the function, and to what it calls", async () => {
    const app = await openApp({
      "who.ts": `
        export const am = query({ args: {}, handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null });
        export const nested = mutation({ args: {}, handler: async (ctx) => await ctx.runQuery(api.who.am, {}) });
        export const viaAction = action({ args: {}, handler: async (ctx) => [
          await ctx.runQuery(api.who.am, {}), await ctx.runMutation(api.who.nested, {}), (await ctx.auth.getUserIdentity())?.subject,
        ]});`,
    });
    const identity = { tokenIdentifier: "i|ann", issuer: "i", subject: "ann" };
    const ann = { kind: "user", identity, expiresAtMs: Date.now() + 60_000 } as const;
    expect(valueOf(await app.query("who:am"))).toBeNull();
    expect(valueOf(await app.query("who:am", {}, admin))).toBeNull();
    expect(valueOf(await app.query("who:am", {}, { kind: "admin", actingAs: identity }))).toBe("ann");
    expect(valueOf(await app.mutation("who:nested", {}, ann))).toBe("ann");
    expect(valueOf(await app.action("who:viaAction", {}, ann))).toEqual(["ann", "ann", "ann"]);
  });
});
