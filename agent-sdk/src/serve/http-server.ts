/** The port a sidecar is reached at. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { SECOND } from "../../../contract/limits.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { Sidecar } from "./sidecar.ts";
import { createHttpApp } from "./http-app.ts";
import type { Door } from "./door.ts";

export interface HttpServer {
  url: string;
  /** Takes no new connection; those that are idle are closed. */
  stopListening: () => void;
  /** Resolves once the last answer is sent. */
  close: () => Promise<void>;
}

/** Answers are ready when this begins to count; who does not read them is let go. */
const SENDING_MS = 5 * SECOND;

export async function listen(sidecar: Sidecar, door: Door, port: number): Promise<HttpServer> {
  const app = createHttpApp(sidecar, door, await createMetrics(sidecar.reelsync));
  // The globals are the program's own, not this server's to replace.
  const respond = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((request, response) => void respond(request, response));
  // A body may take as long as a renderer takes to write it.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, door.host, resolve);
  });
  const { port: bound, family } = server.address() as AddressInfo;
  const host = reachable(door.host);
  return {
    url: `http://${family === "IPv6" && host.includes(":") ? `[${host}]` : host}:${bound}`,
    stopListening() {
      server.close();
      server.closeIdleConnections();
    },
    async close() {
      const closed = new Promise<void>((resolve) => {
        if (server.listening) server.close(() => resolve());
        else server.once("close", resolve);
      });
      const connections = () =>
        new Promise<number>((resolve) => server.getConnections((_e, n) => resolve(n)));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), SENDING_MS);
      if ((await connections()) > 0) await closed;
      clearTimeout(timer);
    },
  };
}

/** A server on every interface is reached through one of them. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
