/** Serves the web app: built once per change of its sources, or by the development server. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import getPort, { portNumbers } from "get-port";
import { build, createServer, preview } from "vite";
import { hashFolders, PROJECT_DIR } from "./push.ts";
import { CLIENT_ID, type ReelsyncStack } from "./stack.ts";

const DEFAULT_PORT = 5173;
const root = join(PROJECT_DIR, "web");

export interface WebServer {
  url: string;
  sessionUrl(sessionId: string): string;
  close(): Promise<void>;
}

export interface WebOptions {
  /** Serve sources with reload instead of the built bundle. */
  dev?: boolean;
  /** A port that must be used; without it the next free one from 5173 is. */
  port?: number | undefined;
}

export async function startWebServer(stack: ReelsyncStack, options: WebOptions = {}): Promise<WebServer> {
  // Read by the /config.json of web/vite.config.ts.
  process.env["REELSYNC_WEB_CONVEX_URL"] = stack.local.deployment.url;
  process.env["REELSYNC_WEB_OIDC_AUTHORITY"] = stack.local.issuer.issuer;
  process.env["REELSYNC_WEB_OIDC_CLIENT_ID"] = CLIENT_ID;

  const port =
    options.port ??
    (await getPort({ port: portNumbers(DEFAULT_PORT, DEFAULT_PORT + 100), host: "127.0.0.1" }));
  const address = { host: "127.0.0.1", port, strictPort: true };
  const url = `http://127.0.0.1:${port}`;
  const close = options.dev ? await serveSources(address) : await serveBundle(address);
  return { url, sessionUrl: (sessionId) => `${url}/sessions/${sessionId}`, close };
}

interface Address {
  host: string;
  port: number;
  strictPort: boolean;
}

async function serveSources(server: Address): Promise<() => Promise<void>> {
  const dev = await createServer({ root, server, logLevel: "warn" });
  await dev.listen();
  return () => dev.close();
}

async function serveBundle(address: Address): Promise<() => Promise<void>> {
  await buildWhenChanged();
  const server = await preview({ root, preview: address, logLevel: "warn" });
  return () => server.close();
}

async function buildWhenChanged(): Promise<void> {
  const stampFile = join(root, "dist", ".built-from");
  const stamp = await hashFolders(["web", "contract", "convex/_generated"]);
  if ((await readFile(stampFile, "utf8").catch(() => "")) === stamp) return;
  await build({ root, logLevel: "warn" });
  await writeFile(stampFile, stamp);
}
