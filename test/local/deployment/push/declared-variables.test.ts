import { describe, expect, it } from "vitest";
import type { RequestError } from "../../../../local/deployment/engine.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";
import { openApp } from "../runtime/open-app.ts";
import { start } from "./start-push.ts";

describe("convex.config.ts", () => {
  const config = (env: string, more = "") => ({
    "convex.config.ts": `export default defineApp({ env: { ${env} } ${more} });`,
    "auth.config.ts": `export default { providers: [{ domain: process.env.ISSUER!, applicationID: "app" }] };`,
  });

  it("names every required variable that is not set, before anything else can fail for want of it", async () => {
    const { engine } = await openApp({});
    const files = config("ISSUER: v.string(), KEY: v.string(), NOTE: v.optional(v.string())");
    await expect(start(engine, files)).rejects.toMatchObject({
      code: "MissingEnvironmentVariables",
      message: expect.stringMatching(/are not set: ISSUER, KEY\./) as string,
    });
    await engine.changeEnvironment([{ name: "ISSUER", value: "https://a" }]);
    await expect(start(engine, files)).rejects.toThrow(/are not set: KEY\./);
  });

  it("tells the CLI what it declares, to generate types of", async () => {
    const { engine } = await openApp({});
    await engine.changeEnvironment([{ name: "ISSUER", value: "https://a" }]);
    const started = await start(engine, config("ISSUER: v.string(), NOTE: v.optional(v.string())"));
    expect(started.analysis[""]!.definition.envVars).toEqual([
      ["ISSUER", { type: "value", value: `{"type":"string"}`, optional: false }],
      ["NOTE", { type: "value", value: `{"type":"string"}`, optional: true }],
    ]);
  });

  it("refuses a value its validator refuses, and does not show it", async () => {
    const { engine } = await openApp({});
    await engine.changeEnvironment([
      { name: "ISSUER", value: "https://a" },
      { name: "LEVEL", value: "hunter2" },
    ]);
    const files = config(`ISSUER: v.string(), LEVEL: v.union(v.literal("low"), v.literal("high"))`);
    const refused = await start(engine, files).catch((error: unknown) => error as RequestError);
    expect(refused).toMatchObject({ code: "InvalidEnvironmentVariable" });
    expect((refused as RequestError).message).toContain("LEVEL");
    expect((refused as RequestError).message).not.toContain("hunter2");
  });

  it("a prefix for HTTP actions, which is not supported, is refused by name", async () => {
    const { engine } = await openApp({});
    await engine.changeEnvironment([{ name: "ISSUER", value: "https://a" }]);
    await expect(start(engine, config("", `, httpPrefix: "/api"`))).rejects.toMatchObject({
      code: "HttpPrefixNotSupported",
    });
  });

  it("a push is refused when a variable changed after its modules were evaluated", async () => {
    const { engine } = await openApp({});
    await engine.changeEnvironment([{ name: "ISSUER", value: "https://a" }]);
    const started = (await start(engine, config("ISSUER: v.string()"))) as unknown as Json;
    await engine.changeEnvironment([{ name: "ISSUER", value: "https://b" }]);
    await expect(engine.push.finish({ startPush: started })).rejects.toMatchObject({ code: "RaceDetected" });
    await engine.changeEnvironment([{ name: "ISSUER", value: "https://a" }]);
    await engine.push.finish({ startPush: started });
    expect(engine.authProviders().providers[0]).toMatchObject({ domain: "https://a" });
  });
});
