import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createReelsync } from "reelsync";
import { openLiveClient } from "../../agent-sdk/src/convex/live-client.ts";
import { proxyFor } from "../../agent-sdk/src/http-agents.ts";
import { MIB } from "../../contract/limits.ts";
import { api } from "../../convex/_generated/api.js";
import { tempDir } from "../support/temp-dir.ts";
import { agentProcesses } from "./support/agent-process.ts";
import { startFarServices } from "./support/behind-proxy.ts";
import { startStudio } from "./support/studio.ts";

const studio = startStudio();
const start = agentProcesses();

const FILES = 12;
const SOCKETS = 3;

/** An agent in a process of its own uploads files; what it says in the end, and what the proxy has seen. */
async function uploadFrom(scheme: "http" | "https", env: Record<string, string> = {}, count = FILES) {
  const { deployment, objectStore } = studio.stack.local;
  const services = await startFarServices({
    "convex.far.example": deployment.url,
    "site.far.example": deployment.siteUrl,
    "s3.far.example": objectStore.endpoint,
  });
  const reelsync = createReelsync({ env: studio.stack.agentEnv });
  const { sceneId } = await studio.scene(reelsync);
  await reelsync.close();
  const sizes = [MIB, 11 * MIB];
  const files = await Promise.all(
    Array.from({ length: count }, async (_, index) => ({
      file: await studio.file("scene.mp4", randomBytes(sizes[index] ?? 100)),
      sceneId,
      chunkIndex: index,
      asBuffer: false,
    })),
  );
  const folder = await tempDir();
  const agent = start(
    {
      options: {
        mode: "strict",
        retry: { attempts: 1 },
        journalDir: `${folder}/journal`,
        deadLetterDir: `${folder}/letters`,
        s3: { maxConcurrency: SOCKETS, maxAttempts: 1, multipartThreshold: 5 * MIB },
        env: {
          ...studio.stack.agentEnv,
          CONVEX_URL: `${scheme}://convex.far.example`,
          CONVEX_SITE_URL: `${scheme}://site.far.example`,
          S3_ENDPOINT_URL: `${scheme}://s3.far.example`,
        },
      },
      parallel: 6,
      timeoutMs: 30_000,
      files,
    },
    {
      HTTPS_PROXY: services.proxy,
      HTTP_PROXY: services.proxy,
      NODE_EXTRA_CA_CERTS: services.ca,
      ...env,
    },
  );
  await agent.ended;
  const states = agent.said.flatMap(({ acknowledged, failed }) => acknowledged?.state ?? failed ?? []);
  return { ...services, states };
}

describe("behind a proxy that asks for a login", () => {
  test("uploads reach S3 and Convex over TLS through kept tunnels, as many as there are sockets allowed", async () => {
    const { states, tunnels, forwarded, mostAtOnce } = await uploadFrom("https");
    expect(states).toEqual(Array.from({ length: FILES }, () => "ready"));
    expect(new Set(tunnels)).toEqual(
      new Set(["convex.far.example:443", "site.far.example:443", "s3.far.example:443"]),
    );
    expect(forwarded).toEqual([]);
    expect(mostAtOnce("s3.far.example:443")).toBeLessThanOrEqual(SOCKETS);
    // At least 14 requests to the store, and a handshake for none but the first ones.
    expect(tunnels.filter((target) => target.startsWith("s3.")).length).toBeLessThanOrEqual(SOCKETS);
  });

  test("services without TLS are asked for by their whole URL", async () => {
    const { states, tunnels, forwarded } = await uploadFrom("http");
    expect(states).toEqual(Array.from({ length: FILES }, () => "ready"));
    expect(tunnels).toEqual([]);
    const hosts = new Set(forwarded.map((url) => new URL(url).hostname));
    expect(hosts).toEqual(new Set(["convex.far.example", "site.far.example", "s3.far.example"]));
  });

  test("what NO_PROXY names is reached directly, here: not at all", async () => {
    const { states, tunnels } = await uploadFrom("https", { NO_PROXY: "s3.far.example,.other.example" }, 1);
    expect(states).toEqual(["S3_UNAVAILABLE"]);
    expect(tunnels.some((target) => target.startsWith("s3."))).toBe(false);
  });
});

test("[G7] a proxy whose login is missing is told of as that", async () => {
  const services = await startFarServices({});
  const { host } = new URL(services.proxy);
  vi.stubEnv("HTTPS_PROXY", `http://${host}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { reelsync } = studio.client({
    convexUrl: "https://convex.far.example",
    agentToken: async () => "token",
    retry: { attempts: 1, baseDelayMs: 1, maxDelayMs: 1 },
  });
  const session = { title: "Reel", project: "demo", sessionKey: "proxy" };
  await expect(reelsync.createSession(session)).rejects.toThrow("the proxy wants a login: HTTPS_PROXY=");
});

test("what is subscribed to comes through a tunnel, too", async () => {
  const { deployment } = studio.stack.local;
  const services = await startFarServices({ "convex.far.example": deployment.url });
  vi.stubEnv("HTTP_PROXY", services.proxy);
  onTestFinished(() => void vi.unstubAllEnvs());
  const client = await openLiveClient("http://convex.far.example");
  onTestFinished(() => client.close());
  const token = await studio.stack.tokenFor("ada");
  client.setAuth(async () => token);
  const viewer = await new Promise((seen, reject) => {
    client.onUpdate(api.viewer.me, {}, (me) => seen(me), reject);
  });
  expect(viewer).toMatchObject({ name: expect.any(String) as string });
  expect(services.tunnels).toEqual(["convex.far.example:80"]);
  expect(services.forwarded).toEqual([]);
});

describe("which proxy is between here and a URL", () => {
  beforeEach(() => {
    for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"]) {
      vi.stubEnv(name, "");
      vi.stubEnv(name.toLowerCase(), "");
    }
  });
  afterEach(() => void vi.unstubAllEnvs());

  test.each([
    ["none without a variable", {}, "https://s3.example", undefined],
    ["by the URL's scheme", { HTTPS_PROXY: "http://p:1" }, "https://s3.example", "http://p:1/"],
    ["not that of the other scheme", { HTTPS_PROXY: "http://p:1" }, "http://s3.example", undefined],
    ["the one for all", { ALL_PROXY: "http://p:1" }, "http://s3.example", "http://p:1/"],
    ["none for this machine", { ALL_PROXY: "http://p:1" }, "http://127.0.0.1:9000", undefined],
    ["none for this machine by name", { ALL_PROXY: "http://p:1" }, "http://localhost:9000", undefined],
    [
      "none where NO_PROXY says so",
      { ALL_PROXY: "http://p:1", NO_PROXY: ".example" },
      "https://s3.example",
      undefined,
    ],
  ])("%s", (_what, env, url, proxy) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    expect(proxyFor(url)?.href).toBe(proxy);
  });

  test("[G7] one that is none stops the client before it begins, without repeating what may hold a password", () => {
    vi.stubEnv("HTTPS_PROXY", "socks5://agent:secret@proxy:1080");
    const create = () =>
      createReelsync({ env: studio.stack.agentEnv, s3: { endpoint: "https://s3.example" } });
    expect(create).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(create).toThrow("HTTPS_PROXY");
    expect(create).not.toThrow("secret");
  });
});
