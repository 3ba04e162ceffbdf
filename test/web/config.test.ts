import { createServer } from "vite";
import { describe, expect, test } from "vitest";
import { runtimeConfig } from "../../web/config-plugin.ts";
import { ConfigError, parseConfig } from "../../web/src/config.ts";

const GOOD = {
  convexUrl: "https://happy-otter-1.convex.cloud",
  oidc: { authority: "https://issuer.example", clientId: "reelsync-web" },
};
const ENV = {
  REELSYNC_WEB_CONVEX_URL: GOOD.convexUrl,
  REELSYNC_WEB_OIDC_AUTHORITY: GOOD.oidc.authority,
  REELSYNC_WEB_OIDC_CLIENT_ID: GOOD.oidc.clientId,
};

describe("the runtime configuration", () => {
  test("is taken as it is when it is complete", () => {
    expect(parseConfig(GOOD)).toEqual(GOOD);
  });

  test("[G7] names every fault at once", () => {
    const faults = (found: unknown) => {
      try {
        parseConfig(found);
        return [];
      } catch (error) {
        return (error as ConfigError).faults;
      }
    };
    expect(faults({ convexUrl: "not a url", oidc: {} })).toEqual([
      "convexUrl is not a URL",
      "oidc.authority is not a URL",
      "oidc.clientId is not a name",
    ]);
    expect(faults(null)).toHaveLength(3);
    expect(faults({ ...GOOD, oidc: { ...GOOD.oidc, clientId: "" } })).toEqual([
      "oidc.clientId is not a name",
    ]);
  });
});

describe("the development server", () => {
  async function ask(env: NodeJS.ProcessEnv): Promise<{ status: number; body: unknown }> {
    const server = await createServer({
      configFile: false,
      root: new URL("../../web/", import.meta.url).pathname,
      logLevel: "silent",
      plugins: [runtimeConfig(env)],
      optimizeDeps: { noDiscovery: true },
      server: { host: "127.0.0.1", port: 0, ws: false, hmr: false, watch: null },
    });
    try {
      await server.listen();
      const address = server.httpServer?.address();
      const port = typeof address === "object" ? address?.port : undefined;
      const response = await fetch(`http://127.0.0.1:${port}/config.json`);
      return { status: response.status, body: await response.json() };
    } finally {
      await server.close();
    }
  }

  test("serves it from the environment", async () => {
    expect(await ask(ENV)).toEqual({ status: 200, body: GOOD });
  });

  test("[G7] says which variables are missing", async () => {
    const { REELSYNC_WEB_CONVEX_URL: _, ...rest } = ENV;
    expect(await ask(rest)).toEqual({ status: 404, body: { missing: ["REELSYNC_WEB_CONVEX_URL"] } });
  });
});
