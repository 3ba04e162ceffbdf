import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, cliInBackground, type Fixture, push, setEnv, startStack } from "./fixture.ts";
import { api } from "./fixture-app/convex/references.ts";
import { newLine } from "./observed-socket.ts";
import { Watching } from "./watching.ts";

// The official CLI takes a second or two to start, and a push bundles the app.
describe("the official CLI", { timeout: 120_000 }, () => {
  let fixture: Fixture;
  let target: Fixture["stack"]["deployment"];
  let http: ConvexHttpClient;

  beforeAll(async () => {
    fixture = await startStack();
    target = fixture.stack.deployment;
    http = new ConvexHttpClient(target.url, { logger: false });
  });
  afterAll(() => fixture.close());

  test("deploy names a variable that auth.config.ts needs, and changes nothing", async () => {
    const refused = await cli(target, "deploy", "-y", "--typecheck", "disable", "--codegen", "disable");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("FIXTURE_ISSUER");
    await expect(http.query(api.messages.list, {})).rejects.toThrow("Could not find public function");
  });

  test("env set, deploy: the functions answer", async () => {
    await setEnv(target, "FIXTURE_ISSUER", fixture.stack.issuer.issuer);
    await push(target);
    expect(await http.query(api.messages.list, {})).toEqual([]);
  });

  test("run calls public and internal functions of every type, as someone if asked", async () => {
    const stored = await cli(target, "run", "messages:store", '{"author":"cli","body":"internal"}');
    expect(stored.code).toBe(0);
    const listed = await cli(target, "run", "messages:by", '{"author":"cli"}');
    expect(JSON.parse(listed.stdout)).toMatchObject([{ author: "cli", body: "internal" }]);
    const digest = await cli(target, "run", "digest:sha256", '{"text":"abc"}');
    expect(digest.stdout).toContain("ba7816bf8f01cfea");
    const me = await cli(target, "run", "viewer:me", "--identity", '{"subject":"s","name":"Ada"}');
    expect(JSON.parse(me.stdout)).toMatchObject({ subject: "s", name: "Ada" });
    const unknown = await cli(target, "run", "messages:nope");
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toContain("messages:nope");
  });

  test("env list, get, set and remove agree, and a query that reads a variable hears of its change", async () => {
    const client = new ConvexClient(target.url, { webSocketConstructor: newLine().WebSocket, logger: false });
    const greeting = new Watching<string>();
    client.onUpdate(api.viewer.greeting, {}, greeting.update);
    await greeting.until((value) => value === "no greeting");
    await setEnv(target, "GREETING", "hello = world");
    await greeting.until((value) => value === "hello = world");
    expect((await cli(target, "env", "get", "GREETING")).stdout.trim()).toBe("hello = world");
    expect((await cli(target, "env", "list")).stdout).toContain("GREETING=");
    expect((await cli(target, "env", "remove", "GREETING")).code).toBe(0);
    await greeting.until((value) => value === "no greeting");
    await client.close();
  });

  test("data lists tables and shows a table's documents", async () => {
    expect((await cli(target, "data")).stdout).toContain("messages");
    const shown = await cli(target, "data", "messages", "--format", "jsonl");
    expect(shown.stdout).toMatch(/"author": ?"cli"/);
  });

  test("logs shows what functions print, as it happens", async () => {
    const logs = cliInBackground(target, "logs", "--success", "--history", "100");
    await http.mutation(api.messages.send, { author: "logged", body: "x" });
    expect(await logs.until(/sent by/)).toMatch(/messages:send/);
    logs.stop();
  });

  test("a push re-runs what is subscribed and keeps the data", async () => {
    const client = new ConvexClient(target.url, { webSocketConstructor: newLine().WebSocket, logger: false });
    const bodies = new Watching<string[]>();
    client.onUpdate(api.messages.by, { author: "cli" }, (messages) =>
      bodies.update(messages.map(({ body }) => body)),
    );
    await bodies.until((seen) => seen.includes("internal"));
    await push(target);
    await http.mutation(api.messages.send, { author: "cli", body: "after the push" });
    await bodies.until((seen) => seen.includes("after the push"));
    await client.close();
  });

  test("a wrong admin key is refused, whatever the command", async () => {
    const wrong = { url: target.url, adminKey: "local|wrong" };
    for (const args of [
      ["run", "messages:list"],
      ["env", "list"],
      ["deploy", "-y", "--typecheck", "disable", "--codegen", "disable"],
    ]) {
      const refused = await cli(wrong, ...args);
      expect(refused.code, args.join(" ")).not.toBe(0);
    }
  });
});
