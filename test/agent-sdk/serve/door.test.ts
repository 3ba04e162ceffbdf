import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { createReelsync } from "reelsync";
import { isLoopback } from "../../../agent-sdk/src/serve/door.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { ask, openSidecar, TOKEN } from "./support/sidecar.ts";

/** Nothing of the product is needed to be turned away at the door; what gets in is told that nobody answers. */
async function open(host?: string) {
  const folder = await tempDir();
  const reelsync = createReelsync({
    convexUrl: "http://127.0.0.1:9",
    agentToken: async () => "token",
    s3: { bucket: "b", accessKeyId: "a", secretAccessKey: "s", endpoint: "http://127.0.0.1:9" },
    journalDir: `${folder}/journal`,
    deadLetterDir: `${folder}/letters`,
  });
  return openSidecar(reelsync, host);
}

const error = (code: string) => ({ error: { code, hint: expect.any(String) as string, retryable: false } });

describe("[G6] a page in a browser gets nothing", () => {
  test.each([
    ["a name made to lead here", { host: "evil.example" }],
    ["such a name with the port", { host: "evil.example:7420" }],
    ["a name that only begins like this machine", { host: "127.0.0.1.evil.example" }],
    ["another address", { host: "192.0.2.1" }],
    ["a page's own origin", { origin: "https://evil.example" }],
    ["a page without an address", { origin: "null" }],
    ["a page of this machine", { origin: "http://127.0.0.1:3000" }],
    ["an image on a page", { "sec-fetch-site": "cross-site" }],
  ])("by way of %s, token or not", async (_way, headers) => {
    const { ask: asked } = await open();
    for (const path of ["/v1/health", "/healthz", "/metrics"]) {
      expect(await asked("GET", path, { headers })).toMatchObject({
        status: 403,
        body: error("SIDECAR_ORIGIN_REFUSED"),
      });
    }
    expect((await asked("POST", "/v1/drain", { headers })).status).toBe(403);
  });

  test("not even the permission to ask", async () => {
    const { url } = await open();
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    const answer = await ask(url, "OPTIONS", "/v1/uploads", { headers });
    expect(answer.status).toBe(403);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("a program of this machine", () => {
  test.each([["127.0.0.1"], ["localhost"], ["LOCALHOST:7420"], ["[::1]:7420"], ["127.0.0.1:1"]])(
    "gets in as %s",
    async (host) => {
      const { ask: asked } = await open();
      expect((await asked("GET", "/v1/health", { headers: { host } })).status).toBe(200);
    },
  );

  test.each([
    ["none", {}],
    ["another", { authorization: "Bearer something-else" }],
    ["part of it", { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ["it in another scheme", { authorization: `Basic ${TOKEN}` }],
  ])("needs the token: with %s it is refused", async (_what, headers) => {
    const { ask: asked } = await open();
    const answer = await asked("GET", "/v1/health", { headers: { authorization: "", ...headers } });
    expect(answer).toMatchObject({ status: 401, body: error("SIDECAR_TOKEN_INVALID") });
    expect(answer.text).not.toContain(TOKEN.slice(0, -1));
  });

  test("needs none to ask whether it lives", async () => {
    const { ask: asked } = await open();
    expect(await asked("GET", "/healthz", { headers: { authorization: "" } })).toMatchObject({
      status: 200,
      body: { ok: true },
    });
  });
});

test("on every interface an address gets in, and a foreign name still does not", async () => {
  const { ask: asked } = await open("0.0.0.0");
  expect((await asked("GET", "/v1/health", { headers: { host: "192.0.2.1:7420" } })).status).toBe(200);
  expect((await asked("GET", "/v1/health", { headers: { host: "evil.example" } })).status).toBe(403);
});

test("it cannot be reached from beyond this machine unless told", async () => {
  const { url } = await open();
  const port = Number(new URL(url).port);
  // The same port on another loopback address is free: the sidecar holds one address, not all.
  const other = createServer();
  await new Promise<void>((resolve, reject) => {
    other.once("error", reject);
    other.listen(port, "127.0.0.2", resolve);
  });
  await new Promise((resolve) => other.close(resolve));
});

test("what counts as this machine", () => {
  expect(["127.0.0.1", "127.9.9.9", "::1", "localhost"].map(isLoopback)).toEqual([true, true, true, true]);
  expect(["0.0.0.0", "10.0.0.1", "127.evil.example", ""].map(isLoopback)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
