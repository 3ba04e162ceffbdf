import { brotliCompressSync, constants } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Deployment } from "../../../../local/deployment/doors.ts";
import { openDoors } from "../../../../local/deployment/doors.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";
import { ScriptedEngine } from "../sync/scripted-engine.ts";

const ADMIN_KEY = "local|secret";
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } };
const ADMIN = { Authorization: `Convex ${ADMIN_KEY}` };

let engine: ScriptedEngine;
let deployment: Deployment;

beforeAll(async () => {
  engine = new ScriptedEngine();
  deployment = await openDoors({ adminKey: ADMIN_KEY }, async () => engine);
});
afterAll(() => deployment.close());
beforeEach(() => engine.lists.clear());

async function post(route: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(deployment.url + route, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: (text === "" ? null : JSON.parse(text)) as Json,
  };
}

describe("functions", () => {
  test("arguments arrive as an object or as an array of one", async () => {
    for (const args of [{ n: 1 }, [{ n: 1 }]]) {
      const { status, body } = await post("/api/query", {
        path: "a:echo",
        format: "convex_encoded_json",
        args,
      });
      expect(status).toBe(200);
      expect(body).toEqual({ status: "success", value: args, logLines: ["[LOG] 'echo'"] });
    }
  });

  test("a query can be asked with GET", async () => {
    const parameters = new URLSearchParams({ path: "a:echo", args: '{"n":1}', format: "json" }).toString();
    const answer = await fetch(`${deployment.url}/api/query?${parameters}`);
    expect(await answer.json()).toMatchObject({ status: "success", value: { n: 1 } });
  });

  test("an error of a function is 200 with an error envelope, errorData only when there is some", async () => {
    expect(await post("/api/query", { path: "a:failing", args: {} })).toMatchObject({
      status: 200,
      body: { status: "error", errorMessage: "failed with 0", logLines: [] },
    });
    expect((await post("/api/query", { path: "a:failing", args: {} })).body).not.toHaveProperty("errorData");
    expect((await post("/api/mutation", { path: "a:refuse", args: {} })).body).toMatchObject({
      errorData: { code: "NO" },
    });
  });

  test("the json format writes what plain JSON cannot hold as text, convex_encoded_json keeps the tags", async () => {
    const args = {
      int: { $integer: "KgAAAAAAAAA=" },
      bytes: { $bytes: "AQI=" },
      nan: { $float: "AAAAAAAA+H8=" },
      minusZero: { $float: "AAAAAAAAAIA=" },
      nested: [{ two: 2 }],
    };
    const clean = await post("/api/query", { path: "a:echo", args, format: "json" });
    expect(clean.body).toMatchObject({
      value: { int: "42", bytes: "AQI=", nan: "NaN", minusZero: 0, nested: [{ two: 2 }] },
    });
    const encoded = await post("/api/query", { path: "a:echo", args, format: "convex_encoded_json" });
    expect(encoded.body).toMatchObject({ value: args });
    expect(await post("/api/query", { path: "a:echo", args, format: "xml" })).toMatchObject({ status: 400 });
  });

  test("a batch runs at one snapshot and answers each query in order", async () => {
    const queries = [
      { path: "a:count", args: {} },
      { path: "a:failing", args: {} },
    ];
    expect((await post("/api/query_batch", { queries })).body).toMatchObject({
      results: [{ value: 0 }, { status: "error" }],
    });
  });

  test("a consistent read is answered at its timestamp or refused, never with newer data", async () => {
    const { ts } = (await post("/api/query_ts", {})).body as { ts: string };
    const ask = () => post("/api/query_at_ts", { path: "a:count", args: {}, ts });
    expect((await ask()).body).toMatchObject({ value: 0 });
    engine.append("a", 1);
    expect(await ask()).toMatchObject({ status: 409, body: { code: "SnapshotUnavailable" } });
  });

  test("/api/run finds the function by a path with slashes, whatever its type", async () => {
    expect((await post("/api/run/a/echo", { args: { n: 1 } })).body).toMatchObject({ value: { n: 1 } });
    expect((await post("/api/run/a/send", { args: 1 })).body).toMatchObject({ status: "success" });
    expect(engine.lists.get("a")).toEqual([1]);
    expect((await post("/api/run/dir/internal/fn", { args: {} }, ADMIN)).body).toMatchObject({
      value: { ran: "dir/internal:fn" },
    });
  });

  test("/api/function is the admin's alone", async () => {
    const call = { path: "a:internal", args: {} };
    expect(await post("/api/function", call)).toMatchObject({
      status: 403,
      body: { code: "AdminKeyRequired" },
    });
    expect(await post("/api/function", call, { Authorization: "Convex local|wrong" })).toMatchObject({
      status: 401,
      body: { code: "BadAdminKey" },
    });
    expect((await post("/api/function", call, ADMIN)).body).toMatchObject({ value: { ran: "a:internal" } });
  });

  test.each([
    ["a token that is none", "Bearer nonsense", 401, "InvalidAuthToken"],
    ["an unknown scheme", "Basic abc", 401, "InvalidAuthHeader"],
  ])("%s is refused before anything runs", async (_, authorization, status, code) => {
    engine.runs.length = 0;
    const answer = await post("/api/query", { path: "a:list", args: {} }, { Authorization: authorization });
    expect(answer).toMatchObject({ status, body: { code } });
    expect(engine.runs).toEqual([]);
  });

  test("a body that is not understood is 400 and names the fault", async () => {
    const answer = await fetch(`${deployment.url}/api/query`, { method: "POST", body: "{" });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: "BadRequest",
      message: expect.stringContaining("JSON") as string,
    });
    expect(await post("/api/query", { args: {} })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("path") as string },
    });
  });
});

describe("what the CLI asks", () => {
  test("the addresses of the deployment", async () => {
    const answer = await fetch(`${deployment.url}/api/v1/get_canonical_urls`);
    expect(await answer.json()).toEqual({
      convexCloudUrl: deployment.url,
      convexSiteUrl: deployment.siteUrl,
    });
  });

  test("a push arrives compressed and large, with the key in its body", async () => {
    const source = "x".repeat(30 * 1024 * 1024);
    const send = (adminKey: string) =>
      fetch(`${deployment.url}/api/deploy2/start_push`, {
        method: "POST",
        headers: { "Content-Encoding": "br" },
        body: brotliCompressSync(JSON.stringify({ adminKey, source }), FAST),
      });
    expect((await send("local|wrong")).status).toBe(401);
    const answer = await send(ADMIN_KEY);
    expect(answer.status).toBe(200);
    const { started } = (await answer.json()) as { started: { source: string } };
    expect(started.source).toHaveLength(source.length);
  });

  test("a push without a key, or with a broken body, is refused", async () => {
    expect(await post("/api/deploy2/finish_push", {})).toMatchObject({ status: 400 });
    const answer = await fetch(`${deployment.url}/api/deploy2/start_push`, {
      method: "POST",
      headers: { "Content-Encoding": "br" },
      body: "not brotli",
    });
    expect(await answer.json()).toMatchObject({ code: "BadRequest" });
  });

  test("changing variables and reading logs needs the key", async () => {
    const changes = [{ name: "A", value: "1" }];
    expect((await post("/api/update_environment_variables", { changes })).status).toBe(403);
    expect((await post("/api/update_environment_variables", { changes }, ADMIN)).status).toBe(200);
    const logs = `${deployment.url}/api/stream_function_logs?cursor=7`;
    expect((await fetch(logs)).status).toBe(403);
    expect(await (await fetch(logs, { headers: ADMIN })).json()).toEqual({ entries: [], newCursor: 7 });
  });
});

describe("HTTP actions", () => {
  test("are served on the site origin and under /http, with the path the app knows", async () => {
    for (const base of [deployment.siteUrl, `${deployment.url}/http`]) {
      const answer = await fetch(`${base}/hook/a?b=1`, { method: "PUT", body: "hello" });
      expect(await answer.json()).toEqual({
        method: "PUT",
        url: `${deployment.siteUrl}/hook/a?b=1`,
        body: "hello",
      });
    }
  });

  test("a credential of the app's own scheme does not keep an action from running", async () => {
    const answer = await fetch(`${deployment.siteUrl}/hook`, {
      headers: { Authorization: "Bearer key_123" },
    });
    expect(answer.status).toBe(200);
  });

  test("get no CORS headers: that is the app's decision", async () => {
    const answer = await fetch(`${deployment.siteUrl}/hook`, {
      headers: { Origin: "http://localhost:5173" },
    });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("the rest", () => {
  test("a browser's preflight is answered for its origin and headers", async () => {
    const answer = await fetch(`${deployment.url}/api/mutation`, {
      method: "OPTIONS",
      headers: {
        Origin: "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,convex-client",
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
    expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
    expect(answer.headers.get("access-control-allow-headers")).toBe("authorization,convex-client");
    expect(answer.headers.get("access-control-max-age")).toBe("86400");
  });

  test("/echo gives back what it is sent, as the CLI's network test wants", async () => {
    const sent = new Uint8Array(4 * 1024 * 1024).fill(7);
    const answer = await fetch(`${deployment.url}/echo`, { method: "POST", body: sent });
    expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(sent))).toBe(true);
  });

  test("version and name are text, an unknown route is 404 in JSON, a known unsupported one 501", async () => {
    expect(await (await fetch(`${deployment.url}/version`)).text()).toMatch(/^\d+\.\d+\.\d+$/);
    expect((await fetch(`${deployment.url}/instance_name`)).status).toBe(200);
    expect(await post("/api/nothing", {})).toMatchObject({ status: 404, body: { code: "NotFound" } });
    expect(await post("/api/storage/upload", {})).toMatchObject({
      status: 501,
      body: { code: "NotImplemented" },
    });
  });
});
