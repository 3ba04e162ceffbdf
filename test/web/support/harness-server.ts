/** Serves the player's own sources to a browser, through the bundler the product is built with. */
import { createServer } from "vite";

const PAGE = `<!doctype html><meta charset="utf-8"><title>player</title>
<style>html,body{margin:0;background:#223} reel-video{width:640px;height:360px}</style>
<main></main><script type="module" src="/test/web/support/player-harness.ts"></script>`;

export async function startHarnessServer(): Promise<{ url: string; close(): Promise<void> }> {
  const root = new URL("../../../", import.meta.url).pathname;
  const server = await createServer({
    root,
    configFile: false,
    logLevel: "error",
    appType: "custom",
    cacheDir: `${root}node_modules/.vite-player-harness`,
    optimizeDeps: { include: ["media-captions"], noDiscovery: true },
    server: { host: "127.0.0.1", port: 0, hmr: false, ws: false, watch: null },
    plugins: [
      {
        name: "player-page",
        configureServer: (vite) => {
          vite.middlewares.use((request, response, next) => {
            if (request.url !== "/player") {
              next();
              return;
            }
            response.setHeader("content-type", "text/html");
            response.end(PAGE);
          });
        },
      },
    ],
  });
  await server.listen();
  const address = server.httpServer?.address();
  if (!address || typeof address === "string") throw new Error("the harness server has no port");
  return { url: `http://127.0.0.1:${address.port}/player`, close: () => server.close() };
}
