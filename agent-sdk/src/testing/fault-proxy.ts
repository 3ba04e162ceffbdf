/** A proxy between a client and a real service that spoils chosen exchanges. What it does not spoil passes unchanged, and so do WebSockets. */
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface Exchange {
  method: string;
  /** Path and query. */
  target: string;
  headers: IncomingHttpHeaders;
  /** The request's body when it is small enough to be a function call. */
  body: string;
  /** Bytes of the request's body. */
  size: number;
}

export type Fault =
  /** The service does its work, its reply never arrives. */
  | "loseReply"
  /** The reply breaks off in the middle of its body. */
  | "cutReply"
  /** The connection breaks before the service hears anything. */
  | "breakConnection"
  | { status: number; body?: string; headers?: Record<string, string> }
  /** Something else happens first, then it passes. */
  | (() => Promise<void>);

export interface FaultProxy {
  url: string;
  /** Everything that was sent, in order. */
  seen: Exchange[];
  /** Asked for every exchange; undefined lets it pass. */
  spoil: (exchange: Exchange) => Fault | undefined;
  close: () => Promise<void>;
}

const READABLE_BODY = 64 * 1024;

/** `target` is the service's address; give the proxy's `url` to the client in its place. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const upstream = new URL(target);
  const tunnels = new Set<Duplex>();

  const proxy: FaultProxy = {
    url: "",
    seen: [],
    spoil: () => undefined,
    async close() {
      server.closeAllConnections();
      for (const tunnel of tunnels) tunnel.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const whole = await readBody(incoming);
      const exchange: Exchange = {
        method: incoming.method ?? "",
        target: incoming.url ?? "",
        headers: incoming.headers,
        body: whole.length <= READABLE_BODY ? whole.toString() : "",
        size: whole.length,
      };
      proxy.seen.push(exchange);
      const fault = proxy.spoil(exchange);
      if (fault === "breakConnection") return outgoing.destroy();
      if (typeof fault === "object") return outgoing.writeHead(fault.status, fault.headers).end(fault.body);
      if (typeof fault === "function") await fault();
      const forwarded = httpRequest(
        {
          host: upstream.hostname,
          port: upstream.port,
          method: incoming.method,
          path: incoming.url,
          headers: incoming.headers,
          setHost: false,
        },
        (reply) => {
          if (fault === "cutReply") void cut(reply, outgoing);
          else if (fault === "loseReply") reply.resume().once("end", () => outgoing.destroy());
          else reply.pipe(outgoing.writeHead(reply.statusCode ?? 502, reply.headers));
        },
      );
      forwarded.once("error", () => outgoing.destroy());
      forwarded.end(whole);
    })().catch(() => outgoing.destroy());
  });
  server.on("upgrade", (incoming, socket: Duplex, head: Buffer) => {
    tunnels.add(socket);
    socket.once("close", () => tunnels.delete(socket));
    tunnel(incoming, socket, head, upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

function tunnel(
  { method, url, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { hostname, port }: URL,
) {
  const through = connect(Number(port), hostname);
  const headers = rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
  through.write(`${method} ${url} HTTP/1.1\r\n${headers}\r\n`);
  through.write(head);
  through.pipe(socket).pipe(through);
  for (const [one, other] of [
    [socket, through],
    [through, socket],
  ] as const) {
    one.on("error", () => undefined).once("close", () => other.destroy());
  }
}

/** Half of what was announced arrives, and no more. */
async function cut(reply: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
  let left = Math.floor(Number(reply.headers["content-length"]) / 2);
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, left);
    await new Promise((written) => outgoing.write(part, written));
    left -= part.length;
    if (left === 0) break;
  }
  outgoing.destroy();
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
