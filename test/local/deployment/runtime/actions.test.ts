import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { anonymous, errorOf, openApp, urls, valueOf } from "./open-app.ts";

const rows = `
  export const count = query({ args: {}, handler: async (ctx) => (await ctx.db.query("rows").collect()).length });
  export const add = internalMutation({ args: { n: v.number() }, handler: async (ctx, { n }) => { await ctx.db.insert("rows", { n }); return n; } });
  export const fail = internalMutation({ args: {}, handler: async (ctx) => { await ctx.db.insert("rows", {}); throw new ConvexError({ why: "no" }); } });`;

describe("an action", () => {
  it("runs queries, mutations and actions, each its own transaction, and gets their errors' data", async () => {
    const app = await openApp({
      "rows.ts": rows,
      "acts.ts": `
        export const go = action({ args: {}, handler: async (ctx) => {
          console.log("going");
          const added = await ctx.runMutation(api.rows.add, { n: 1 });
          let data = null;
          try { await ctx.runMutation(api.rows.fail, {}); } catch (error) { data = (error as any).data; }
          const nested = await ctx.runAction(api.acts.inner, { n: 2n });
          return { added, data, nested, count: await ctx.runQuery(api.rows.count, {}) };
        }});
        export const inner = internalAction({ args: { n: v.int64() }, handler: async (ctx, { n }) => {
          await ctx.runMutation(api.rows.add, { n: Number(n) });
          return new ArrayBuffer(2);
        }});`,
    });
    const outcome = await app.action("acts:go");
    expect(valueOf(outcome)).toEqual({ added: 1, data: { why: "no" }, nested: { $bytes: "AAA=" }, count: 2 });
    expect(outcome.logLines).toEqual(["[LOG] 'going'"]);
  });

  it("checks arguments and result, and shows where it failed [G7]", async () => {
    const app = await openApp({
      "acts.ts": `
        export const typed = action({ args: { id: v.id("rows") }, returns: v.string(), handler: async () => 1 as any });
        export const wrong = action({ args: {}, returns: v.string(), handler: async () => 1 as any });
        export const boom = action({ args: {}, handler: async () => { await Promise.resolve(); throw new TypeError("boom"); } });
        export const unknown = action({ args: {}, handler: async (ctx) => { await ctx.runMutation("rows:nope" as any, {}); } });`,
    });
    expect(errorOf(await app.action("acts:typed", { id: "x" }))).toMatch(/^ArgumentValidationError: /);
    expect(errorOf(await app.action("acts:wrong"))).toMatch(/^ReturnsValidationError: /);
    expect(errorOf(await app.action("acts:boom"))).toMatch(
      /^Uncaught TypeError: boom\n    at async handler|^Uncaught TypeError: boom\n    at handler \(.*acts\.ts/,
    );
    expect(errorOf(await app.action("acts:unknown"))).toContain("Could not find function for 'rows:nope'");
  });

  it("has real time, timers and network, and keeps to itself while others interleave", async () => {
    const server = createServer((_request, response) => response.end("pong")).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const app = await openApp({
      "acts.ts": `
        export const world = action({ args: { url: v.string() }, handler: async (ctx, { url }) => {
          const before = Date.now();
          await new Promise((resolve) => setTimeout(resolve, 5));
          return { elapsed: Date.now() > before, text: await (await fetch(url)).text(), buffer: typeof Buffer, env: Object.keys(process) };
        }});
        export const who = action({ args: { ms: v.number() }, handler: async (ctx, { ms }) => {
          console.log(ms);
          await new Promise((resolve) => setTimeout(resolve, ms));
          console.log(ms);
          return (await ctx.auth.getUserIdentity())!.subject;
        }});`,
    });
    expect(valueOf(await app.action("acts:world", { url }))).toEqual({
      elapsed: true,
      text: "pong",
      buffer: "undefined",
      env: ["env"],
    });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const identity = { tokenIdentifier: `i|${i}`, issuer: "i", subject: `user${i}` };
        return app.action("acts:who", { ms: 20 - i }, { kind: "user", identity, expiresAtMs: Infinity });
      }),
    );
    expect(outcomes.map(valueOf)).toEqual(Array.from({ length: 20 }, (_, i) => `user${i}`));
    expect(outcomes.map(({ logLines }) => logLines)).toEqual(
      Array.from({ length: 20 }, (_, i) => [`[LOG] ${20 - i}`, `[LOG] ${20 - i}`]),
    );
  });

  it(`with "use node" has Node.js, and reaches the database like any other`, async () => {
    const app = await openApp({
      "rows.ts": rows,
      "node.ts": `"use node";
        import { createHash } from "node:crypto";
        import path from "path";
        export const hash = action({ args: { text: v.string() }, handler: async (ctx, { text }) => {
          await ctx.runMutation(api.rows.add, { n: 1 });
          return [createHash("md5").update(text).digest("hex"), path.join("a", "b"), Buffer.from("x").length, process.env.CONVEX_SITE_URL, process.env.PATH ?? null];
        }});`,
    });
    expect(valueOf(await app.action("node:hash", { text: "a" }))).toEqual([
      "0cc175b9c0f1b6a831c399e269772661",
      "a/b",
      1,
      urls.siteUrl,
      null,
    ]);
    expect(valueOf(await app.query("rows:count"))).toBe(1);
  });

  it("is told which features are missing", async () => {
    const app = await openApp({
      "acts.ts": `
        export const store = action({ args: {}, handler: async (ctx) => { await ctx.storage.store(new Blob(["x"])); } });
        export const url = mutation({ args: {}, handler: async (ctx) => { await ctx.storage.generateUploadUrl(); } });
        export const search = action({ args: {}, handler: async (ctx) => { await ctx.vectorSearch("rows" as any, "by_v" as any, { vector: [1] }); } });`,
    });
    for (const outcome of [await app.action("acts:store"), await app.mutation("acts:url")]) {
      expect(errorOf(outcome)).toContain("File storage is not supported by the local deployment");
    }
    expect(errorOf(await app.action("acts:search"))).toContain(
      "Vector search is not supported by the local deployment",
    );
  });
});

describe("an HTTP action", () => {
  const files = {
    "rows.ts": rows,
    "http.ts": `
      const http = httpRouter();
      http.route({ path: "/echo", method: "POST", handler: httpAction(async (ctx, request) => {
        const n = await ctx.runMutation(api.rows.add, { n: Number(await request.text()) });
        const who = (await ctx.auth.getUserIdentity())?.subject ?? null;
        const headers = new Headers({ "content-type": "application/json" });
        headers.append("set-cookie", "a=1"); headers.append("set-cookie", "b=2");
        return new Response(JSON.stringify({ n, who, header: request.headers.get("x-test") }), { status: 201, headers });
      })});
      http.route({ pathPrefix: "/files/", method: "GET", handler: httpAction(async (_ctx, request) => new Response(new URL(request.url).pathname)) });
      http.route({ path: "/empty", method: "GET", handler: httpAction(async () => new Response(null, { status: 204 })) });
      http.route({ path: "/fail", method: "GET", handler: httpAction(async () => { throw new ConvexError({ code: 7 }); }) });
      export default http;`,
  };

  it("answers its route with status, headers and body", async () => {
    const { engine } = await openApp(files);
    const identity = { tokenIdentifier: "i|ann", issuer: "i", subject: "ann" };
    const response = await engine.httpAction(
      new Request(`${urls.siteUrl}/echo`, { method: "POST", body: "5", headers: { "x-test": "yes" } }),
      { kind: "user", identity, expiresAtMs: Infinity },
    );
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ n: 5, who: "ann", header: "yes" });
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    const file = await engine.httpAction(new Request(`${urls.siteUrl}/files/a/b?c`), anonymous);
    expect(await file.text()).toBe("/files/a/b");
    const empty = await engine.httpAction(new Request(`${urls.siteUrl}/empty`), anonymous);
    expect(empty.status).toBe(204);
  });

  it("says when there is no route, when it failed, and when the app has none at all", async () => {
    const app = await openApp(files);
    const get = (path: string) => app.engine.httpAction(new Request(`${urls.siteUrl}${path}`), anonymous);
    const missing = await get("/nowhere");
    expect([missing.status, await missing.text()]).toEqual([404, "No matching routes found"]);
    const failed = await get("/fail");
    expect(failed.status).toBe(500);
    expect(await failed.json()).toMatchObject({
      code: expect.stringContaining("Server Error") as string,
      data: { code: 7 },
    });
    await app.push({ "rows.ts": rows });
    const none = await get("/echo");
    expect([none.status, await none.text()]).toEqual([
      404,
      "This Convex deployment does not have HTTP actions enabled.",
    ]);
  });
});
