/** A port, taken before there is anything to serve: its number is part of the addresses the engine is told. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";

export interface Door {
  fetch: (request: Request) => Response | Promise<Response>;
  handleUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface Listener {
  port: number;
  /** How programs of this machine reach it. */
  url: string;
  /** Stops listening and drops every connection, whatever it is doing. */
  close(): Promise<void>;
}

/** Requests that arrive before the door opens wait for it; if it never does, the caller closes the listener. */
export async function listen(host: string, port: number, door: Promise<Door>): Promise<Listener> {
  const respond = getRequestListener(async (request) => (await door).fetch(request));
  const server = createServer((request, response) => void respond(request, response));
  server.on("upgrade", (request, socket, head) => {
    // A client that goes away during the handshake is no event for anyone.
    socket.on("error", () => undefined);
    door.then(
      ({ handleUpgrade }) => {
        if (handleUpgrade) handleUpgrade(request, socket, head);
        else socket.destroy();
      },
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return { port: bound, url: `http://${reachableHost(host)}:${bound}`, close: () => close(server) };
}

/** A server on every interface is reached through one of them. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
