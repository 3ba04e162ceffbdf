import { describe, expect, it } from "vitest";
import type { CommitNotice } from "../../../../local/deployment/engine.ts";
import { admin, anonymous, openApp, urls, valueOf } from "./open-app.ts";

const files = {
  "vars.ts": `
    const atImport = process.env.AT_IMPORT ?? null;
    export const read = query({ args: {}, handler: async () => process.env.NAME ?? null });
    export const imported = query({ args: {}, handler: async () => atImport });
    export const none = query({ args: {}, handler: async () => 1 });
    export const inAction = action({ args: {}, handler: async () => [process.env.NAME ?? null, atImport] });`,
};

describe("a deployment variable", () => {
  it("that changes makes exactly the queries that read it run again [G4]", async () => {
    const { engine, ...app } = await openApp(files);
    const watched = ["read", "imported", "none"].map((name, i) => ({
      path: `vars:${name}`,
      args: {},
      caller: anonymous,
      requestId: "0123456789abcdef",
      journal: null,
      watch: i,
    }));
    await engine.queries(watched);
    const notices: CommitNotice[] = [];
    engine.onCommit((notice) => notices.push(notice));
    await engine.changeEnvironment([{ name: "NAME", value: "a" }]);
    expect(notices.flatMap(({ watches }) => watches)).not.toContain(2);
    expect(notices.flatMap(({ watches }) => watches)).toContain(0);
    expect(valueOf(await app.query("vars:read"))).toBe("a");
    await engine.changeEnvironment([{ name: "AT_IMPORT", value: "b" }]);
    expect(notices.at(-1)!.watches).toContain(1);
    expect(valueOf(await app.query("vars:imported"))).toBe("b");
    expect(valueOf(await app.action("vars:inAction"))).toEqual(["a", "b"]);
    await engine.changeEnvironment([{ name: "NAME", value: null }]);
    expect(valueOf(await app.query("vars:read"))).toBeNull();
  });

  it("is kept over a restart, and listed for the CLI", async () => {
    const app = await openApp(files);
    await app.engine.changeEnvironment([{ name: "NAME", value: "a" }]);
    const { engine, query, action } = await app.reopen();
    expect(await engine.environment()).toEqual([{ name: "NAME", value: "a" }]);
    expect(valueOf(await action("vars:inAction"))).toEqual(["a", null]);
    const list = "_system/cli/queryEnvironmentVariables";
    expect(valueOf(await query(`${list}:default`, {}, admin))).toEqual([{ name: "NAME", value: "a" }]);
    expect(valueOf(await query(`${list}:get`, { name: "NOPE" }, admin))).toBeNull();
    expect((await query(`${list}:default`)).ok).toBe(false);
  });

  it("has a legal name, and is none of the deployment's own [G7]", async () => {
    const { engine, action } = await openApp({
      "vars.ts": `export const site = action({ args: {}, handler: async () => process.env.CONVEX_SITE_URL });`,
    });
    await expect(engine.changeEnvironment([{ name: "A-B", value: "" }])).rejects.toMatchObject({
      code: "InvalidEnvVarName",
    });
    await expect(engine.changeEnvironment([{ name: "CONVEX_SITE_URL", value: "x" }])).rejects.toMatchObject({
      code: "EnvVarNameForbidden",
    });
    expect(await engine.environment()).toEqual([]);
    expect(valueOf(await action("vars:site"))).toBe(urls.siteUrl);
  });
});
