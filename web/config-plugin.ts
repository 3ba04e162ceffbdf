/**
 * Serves /config.json from the environment, for the development and the preview server. A deployed bundle finds a
 * static file of that name beside index.html instead.
 */
import type { ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";

const VARIABLES = {
  convexUrl: "REELSYNC_WEB_CONVEX_URL",
  authority: "REELSYNC_WEB_OIDC_AUTHORITY",
  clientId: "REELSYNC_WEB_OIDC_CLIENT_ID",
} as const;

export function runtimeConfig(env: NodeJS.ProcessEnv = process.env): Plugin {
  const serve = (_request: Connect.IncomingMessage, response: ServerResponse): void => {
    const missing = Object.values(VARIABLES).filter((name) => !env[name]);
    response.setHeader("content-type", "application/json");
    response.setHeader("cache-control", "no-store");
    if (missing.length > 0) {
      response.statusCode = 404;
      response.end(JSON.stringify({ missing }));
      return;
    }
    response.end(
      JSON.stringify({
        convexUrl: env[VARIABLES.convexUrl],
        oidc: { authority: env[VARIABLES.authority], clientId: env[VARIABLES.clientId] },
      }),
    );
  };
  return {
    name: "reelsync-runtime-config",
    configureServer: (server) => void server.middlewares.use("/config.json", serve),
    configurePreviewServer: (server) => void server.middlewares.use("/config.json", serve),
  };
}
