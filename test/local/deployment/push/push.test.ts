import { describe, expect, it } from "vitest";
import { openDatabase } from "../../../../local/deployment/database/open.ts";
import type { CommitNotice } from "../../../../local/deployment/engine.ts";
import type { App } from "../../../../local/deployment/runtime/app.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";
import { pushOf } from "../runtime/app-bundle.ts";
import { start } from "./start-push.ts";
import { admin, anonymous, imports, openApp, valueOf } from "../runtime/open-app.ts";

const schema = (fields: string, index = "") =>
  `export default defineSchema({ rows: defineTable({ ${fields} })${index} });`;
const version = (text: string) =>
  `export const version = query({ args: {}, handler: async () => "${text}" });`;
const rows = `
  export const add = mutation({ args: { row: v.any() }, handler: async (ctx, { row }) => { await ctx.db.insert("rows", row); } });`;

describe("a push", () => {
  it("replaces the code at once, makes every watch run again, and is there after a restart", async () => {
    const app = await openApp({ "app.ts": version("one") });
    const request = {
      path: "app:version",
      args: {},
      caller: anonymous,
      requestId: "0123456789abcdef",
      journal: null,
      watch: 3,
    };
    await app.engine.queries([request]);
    const notices: CommitNotice[] = [];
    app.engine.onCommit((notice) => notices.push(notice));
    await app.push({ "app.ts": version("two"), "other.ts": version("other") });
    expect(notices.some(({ watches }) => watches.includes(3))).toBe(true);
    expect(valueOf(await app.query("app:version"))).toBe("two");
    const again = await app.reopen();
    expect(valueOf(await again.query("app:version"))).toBe("two");
    expect(valueOf(await again.query("other:version"))).toBe("other");
    await again.push({ "app.ts": version("three") });
    expect(valueOf(await again.query("app:version"))).toBe("three");
    expect((await again.query("other:version")).ok).toBe(false);
  });

  it("changes nothing before it is finished, and nothing when it is a dry run", async () => {
    const { engine, query } = await openApp({ "app.ts": version("one") });
    const started = (await start(engine, { "app.ts": version("two") })) as unknown as Json;
    expect(valueOf(await query("app:version"))).toBe("one");
    await engine.push.finish({ startPush: started, dryRun: true });
    expect(valueOf(await query("app:version"))).toBe("one");
    await engine.push.finish({ startPush: started, dryRun: false });
    expect(valueOf(await query("app:version"))).toBe("two");
    await expect(engine.push.finish({ startPush: started })).rejects.toMatchObject({ code: "PushNotFound" });
  });

  it("says what functions and indexes it brings", async () => {
    const { engine } = await openApp({ "schema.ts": schema("n: v.number()", `.index("by_n", ["n"])`) });
    const started = await start(engine, {
      "schema.ts": schema("n: v.number(), m: v.string()", `.index("by_m", ["m", "n"])`),
      "dir/app.ts": `export const f = internalMutation({ args: { n: v.number() }, returns: v.null(), handler: async () => null });`,
    });
    expect(started.schemaChange.indexDiffs[""]).toEqual({
      added_indexes: [{ name: "rows.by_m", type: "database", fields: ["m", "n"] }],
      removed_indexes: [{ name: "rows.by_n", type: "database", fields: ["n"] }],
    });
    expect(started.analysis[""]!.functions["dir/app.js"]!.functions).toMatchObject([
      {
        name: "f",
        udfType: "Mutation",
        visibility: { kind: "internal" },
        args: expect.stringContaining(`"n"`) as string,
        returns: `{"type":"null"}`,
      },
    ]);
  });

  it("whose schema stored documents do not fit is refused, and names the table [G7]", async () => {
    const app = await openApp({ "schema.ts": schema("n: v.number()"), "rows.ts": rows });
    await app.mutation("rows:add", { row: { n: 1 } });
    await expect(app.push({ "schema.ts": schema("n: v.string()"), "rows.ts": rows })).rejects.toThrow(
      /"tableName":"rows"/,
    );
    expect((await app.mutation("rows:add", { row: { n: 2 } })).ok).toBe(true);
    expect((await app.mutation("rows:add", { row: { n: "2" } })).ok).toBe(false);
    // A document that comes between the check and the switch is not overlooked either.
    const started = await start(app.engine, {
      "schema.ts": schema("n: v.number(), m: v.optional(v.number())"),
      "rows.ts": rows,
    });
    await app.engine.push.finish({ startPush: started as unknown as Json });
    const stricter = await start(app.engine, { "schema.ts": schema("n: v.number()"), "rows.ts": rows });
    await app.mutation("rows:add", { row: { n: 3, m: 3 } });
    await expect(app.engine.push.finish({ startPush: stricter as unknown as Json })).rejects.toMatchObject({
      code: "SchemaValidationFailed",
    });
  });

  it("keeps unchanged modules by their hash", async () => {
    const { engine, query } = await openApp({ "app.ts": version("one"), "other.ts": version("other") });
    const { moduleHashes } = (await engine.push.configHashes()) as unknown as {
      moduleHashes: { path: string; hash: string; environment: string }[];
    };
    const unchanged = moduleHashes
      .filter(({ path }) => path !== "app.js")
      .map(({ path, hash, environment }) => ({ path, environment, sha256: hash }));
    const body = (await pushOf({
      "app.ts": `${imports}${version("two")}`,
      "other.ts": `${imports}${version("other")}`,
    })) as {
      appDefinition: { changedModules: { path: string }[]; unchangedModuleHashes: Json };
    };
    body.appDefinition.changedModules = body.appDefinition.changedModules.filter(
      ({ path }) => !unchanged.some((kept) => kept.path === path),
    );
    body.appDefinition.unchangedModuleHashes = unchanged;
    const started = await engine.push.start(body);
    await engine.push.finish({ startPush: started });
    expect([valueOf(await query("app:version")), valueOf(await query("other:version"))]).toEqual([
      "two",
      "other",
    ]);
    body.appDefinition.unchangedModuleHashes = [{ path: "other.js", environment: "isolate", sha256: "0" }];
    await expect(engine.push.start(body as unknown as Json)).rejects.toMatchObject({ code: "RaceDetected" });
  });

  it("is refused with its module's name when a module fails or is misplaced [G7]", async () => {
    const { engine } = await openApp({});
    await expect(
      start(engine, { "bad.ts": `throw new Error("at the top"); export {};` }),
    ).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(
        /^Failed to analyze bad\.js: Uncaught Error: at the top\n    at .*bad\.ts/,
      ) as string,
    });
    const misplaced = await pushOf({
      "node.ts": `"use node";${imports} export const q = query({ args: {}, handler: async () => 1 });`,
    });
    await expect(engine.push.start(misplaced)).rejects.toThrow("Only actions can be defined in Node.js");
    await expect(start(engine, { "http.ts": `export default {};` })).rejects.toThrow("httpRouter()");
    await expect(
      start(engine, {
        "crons.ts": `const crons = cronJobs(); crons.interval("x", { seconds: 1 }, api.no.such); export default crons;`,
      }),
    ).rejects.toThrow('Cron "x": there is no function no:such');
    await expect(engine.push.start({ appDefinition: 1 })).rejects.toMatchObject({ code: "BadPushRequest" });
  });

  it("with components is refused by name", async () => {
    const { engine } = await openApp({});
    const body = (await pushOf({})) as { [key: string]: Json };
    body.componentDefinitions = [{ definitionPath: "counter" }];
    await expect(engine.push.start(body)).rejects.toMatchObject({ code: "ComponentsNotSupported" });
  });
});

describe("auth.config", () => {
  const files = {
    "auth.config.ts": `export default { providers: [
      { domain: process.env.ISSUER!, applicationID: "app" },
      { type: "customJwt", issuer: "https://b", jwks: "data:application/json,{}", algorithm: "ES256" },
    ]};`,
  };

  it("needs its variables set, takes effect with the push, and follows them afterwards", async () => {
    const { engine, push, reopen } = await openApp({});
    await expect(push(files)).rejects.toMatchObject({ code: "AuthConfigMissingEnvironmentVariable" });
    const failing = { "auth.config.ts": `export default { providers: JSON.parse(process.env.PROVIDERS!) };` };
    await expect(push(failing)).rejects.toThrow("Environment variable PROVIDERS is used in auth config file");
    await engine.changeEnvironment([{ name: "ISSUER", value: "https://a" }]);
    await push(files);
    const custom = {
      type: "customJwt",
      issuer: "https://b",
      jwks: "data:application/json,{}",
      algorithm: "ES256",
    };
    expect(engine.authProviders()).toEqual({
      providers: [{ type: "oidc", domain: "https://a", applicationID: "app" }, custom],
    });
    await engine.changeEnvironment([{ name: "ISSUER", value: "https://c" }]);
    expect(engine.authProviders().providers[0]).toMatchObject({ domain: "https://c" });
    await expect(engine.changeEnvironment([{ name: "ISSUER", value: null }])).rejects.toMatchObject({
      code: "AuthConfigMissingEnvironmentVariable",
    });
    const again = await reopen();
    expect(again.engine.authProviders().providers[0]).toMatchObject({ domain: "https://c" });
  });
});

describe("the CLI's questions", () => {
  it("are answered for admins", async () => {
    const app = await openApp({
      "schema.ts": schema("n: v.number()"),
      "rows.ts": rows,
      "http.ts": `const http = httpRouter();
        http.route({ path: "/a", method: "GET", handler: httpAction(async () => new Response()) }); export default http;`,
    });
    await app.mutation("rows:add", { row: { n: 1 } });
    await app.mutation("rows:add", { row: { n: 2 } });
    const ask = async (path: string, args: Json = {}) =>
      valueOf(await app.query(`_system/cli/${path}`, args, admin));
    expect(await ask("tables:default", { paginationOpts: {} })).toMatchObject({
      page: [{ name: "rows" }],
      isDone: true,
    });
    const page = await ask("tableData:default", {
      table: "rows",
      order: "desc",
      paginationOpts: { cursor: null, numItems: 1 },
    });
    expect(page).toMatchObject({ page: [{ n: 2 }], isDone: false });
    expect(await ask("modules:apiSpec")).toMatchObject([
      { identifier: "rows.js:add", functionType: "Mutation", visibility: { kind: "public" } },
      { functionType: "HttpAction", method: "GET", path: "/a" },
    ]);
    expect(await ask("convexUrl:cloudUrl")).toBe("http://127.0.0.1:3210");
    expect((await app.query("_system/cli/nothing:default", {}, admin)).ok).toBe(false);
  });
});

describe("a switch of versions that the end of the process interrupted", () => {
  it("is completed at the next start", async () => {
    const app = await openApp({ "app.ts": version("one") });
    await app.engine.close();
    const database = openDatabase({ dataDir: app.dataDir });
    const current = database.systemGet(
      `app/version/${database.systemGet("app/current") as string}`,
    ) as unknown as App;
    const modules = current.modules.map((module) => ({
      ...module,
      source: module.source.replace('"one"', '"two"'),
    }));
    const next = { ...current, id: "next", modules };
    database.systemCommit({
      put: [
        ["app/version/next", next as unknown as Json],
        ["app/next", "next"],
      ],
    });
    await database.close();
    const again = await app.reopen();
    expect(valueOf(await again.query("app:version"))).toBe("two");
    const later = await again.reopen();
    expect(valueOf(await later.query("app:version"))).toBe("two");
  });
});
