import { describe, expect, it } from "vitest";
import { anonymous, openApp, valueOf } from "./open-app.ts";

/** Ways to ask for a global, each a function of its name; some end in a builtin, which has no file to be known by. */
const asking = `
  const names = ["Buffer", "global", "setImmediate", "clearImmediate"];
  const ways: Record<string, (name: string) => unknown> = {
    member: (name) => (globalThis as any)[name],
    typeOf: (name) => new Function("return typeof " + name + " === 'undefined' ? undefined : " + name)(),
    reflect: (name) => Reflect.get(globalThis, name),
    boundReflect: (name) => [name].map(Reflect.get.bind(null, globalThis) as any)[0],
    descriptor: (name) => Object.getOwnPropertyDescriptor(globalThis, name)!.get!.call(globalThis),
    entries: (name) => Object.fromEntries(names.map((each) => [each, (globalThis as any)[each]]))[name],
  };
  async function seen(): Promise<string[]> {
    const found: string[] = [];
    for (const [way, ask] of Object.entries(ways)) {
      for (const name of names) if (ask(name) !== undefined) found.push(way + " " + name);
    }
    for (const name of names) {
      if ((await Promise.resolve(name).then(Reflect.get.bind(null, globalThis) as any)) !== undefined) found.push("promise " + name);
    }
    return found;
  }`;

describe("globals of Node.js", () => {
  it("are hidden from queries and actions however they ask, while Node's own code finds them", async () => {
    const app = await openApp({
      "look.ts": `${asking}
        const look = async () => [await seen(), await new Response("read through Buffer").text()];
        export const inQuery = query({ args: {}, handler: look });
        export const inAction = action({ args: {}, handler: look });`,
    });
    expect(valueOf(await app.query("look:inQuery"))).toEqual([[], "read through Buffer"]);
    expect(valueOf(await app.action("look:inAction"))).toEqual([[], "read through Buffer"]);
  });

  it("stay hidden over thousands of looks, before and after each kind of await", async () => {
    const { engine } = await openApp({
      "look.ts": `
        const names = ["Buffer", "global", "setImmediate", "clearImmediate"];
        const look = () => names.filter((name) => name in globalThis && (globalThis as any)[name] !== undefined);
        export const often = query({ args: { n: v.number() }, handler: async (ctx) => {
          const found = [];
          for (let i = 0; i < 20; i++) found.push(...look());
          await ctx.db.query("none").collect();
          found.push(...look());
          await crypto.subtle.digest("SHA-256", new Uint8Array(3));
          found.push(...look());
          await Promise.all([1, 2].map(async () => found.push(...look())));
          return found;
        }});`,
    });
    for (let batch = 0; batch < 10; batch++) {
      const { results } = await engine.queries(
        Array.from({ length: 50 }, (_, n) => ({
          path: "look:often",
          args: { n: batch * 50 + n },
          caller: anonymous,
          requestId: "0123456789abcdef",
          journal: null,
        })),
      );
      expect(results.map(({ outcome }) => valueOf(outcome))).toEqual(Array.from({ length: 50 }, () => []));
    }
  });

  it("that pushed code brings itself are seen by pushed code alone", async () => {
    const app = await openApp({
      "polyfill.ts": `(globalThis as any).Buffer = { from: () => "polyfill" };
        export const use = query({ args: {}, handler: async () =>
          [(globalThis as any).Buffer.from("x"), await new Response("real").text()] });`,
    });
    expect(valueOf(await app.query("polyfill:use"))).toEqual(["polyfill", "real"]);
  });
});

describe("top-level code", () => {
  it("has its frozen time and no network behind an await either", async () => {
    const files = {
      "top.ts": `await null; const loadedAt = Date.now(); await new Promise((resolve) => queueMicrotask(() => resolve(null)));
        const dice = Math.random();
        export const look = query({ args: {}, handler: async () => [loadedAt, dice] });`,
    };
    const app = await openApp(files);
    const first = valueOf(await app.query("top:look"));
    const again = await app.reopen();
    expect(valueOf(await again.query("top:look"))).toEqual(first);
    await expect(
      again.push({ "top.ts": `await null; fetch("http://127.0.0.1:1"); export {};` }),
    ).rejects.toThrow("fetch() unsupported at import time");
  });
});
