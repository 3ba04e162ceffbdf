/**
 * A door in front of one real service. Spoils the exchanges it is told to; all others pass unchanged. Knows nothing of
 * schedules: what happens to an exchange is asked of `meet`.
 */
import { once } from "node:events";
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { operationOf, type DoorName, type Exchange } from "./exchange.ts";
import type { Fault } from "./faults.ts";

export interface Door {
  url: string;
  /** Sends it once more, as it was; resolves when the service has answered or has hung up. */
  redeliver: (exchange: Exchange) => Promise<void>;
  /** Closes the port for a while: connections are refused. */
  refuse: (forMs: number) => Promise<void>;
  /** Resolves when nothing that was held back or sent twice is still on its way. */
  settled: () => Promise<void>;
  close: () => Promise<void>;
}

export interface DoorOptions {
  name: DoorName;
  target: string;
  meet: (exchange: Exchange) => Promise<Meeting>;
}

export interface Meeting {
  fault: Fault | undefined;
  /** Happens when the service has answered and nobody knows yet. */
  beforeReply?: () => void;
}

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

const STATUS_BODY: Record<string, string> = {
  status500: "<Error><Code>InternalError</Code><Message>chaos</Message></Error>",
  status503: "<Error><Code>SlowDown</Code><Message>chaos</Message></Error>",
  status429: "<Error><Code>TooManyRequests</Code><Message>chaos</Message></Error>",
};

export async function openDoor({ name, target, meet }: DoorOptions): Promise<Door> {
  const upstream = new URL(target);
  const agent = new Agent({ keepAlive: false });
  const later = new Set<Promise<unknown>>();
  const sockets = new Set<Socket>();

  const keep = (work: Promise<unknown>) => {
    const kept = work.catch(() => undefined).finally(() => later.delete(kept));
    later.add(kept);
  };

  function send(exchange: Exchange, bytes = exchange.body): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method, target: path, headers } = exchange;
      const outgoing = httpRequest(
        { host: upstream.hostname, port: upstream.port, method, path, headers, setHost: false, agent },
        (reply) => {
          readAll(reply).then(
            (body) => resolve({ status: reply.statusCode ?? 502, headers: reply.headers, body }),
            reject,
          );
        },
      );
      outgoing.once("error", reject);
      if (bytes === exchange.body) outgoing.end(bytes);
      // Announced in full, cut here.
      else outgoing.write(bytes, () => outgoing.destroy(new Error("cut")));
    });
  }

  async function pass(
    exchange: Exchange,
    { fault, beforeReply }: Meeting,
    outgoing: ServerResponse,
  ): Promise<void> {
    switch (fault?.kind) {
      case "status500":
      case "status503":
      case "status429":
        outgoing.writeHead(Number(fault.kind.slice(6)), { "Content-Type": "application/xml" });
        outgoing.end(exchange.method === "HEAD" ? undefined : STATUS_BODY[fault.kind]);
        return;
      case "breakBefore":
        outgoing.destroy();
        return;
      case "cutRequest":
        if (exchange.body.length > 1)
          await send(exchange, exchange.body.subarray(0, exchange.body.length / 2)).catch(() => undefined);
        outgoing.destroy();
        return;
      case "ghost":
        outgoing.destroy();
        keep(wait(fault.afterMs).then(() => send(exchange)));
        return;
      case "delay":
        await wait(fault.afterMs);
        break;
      case "duplicate":
        keep(fault.afterMs % 2 === 0 ? send(exchange) : wait(fault.afterMs).then(() => send(exchange)));
        break;
      case "loseReply":
      case "cutReply":
      case undefined:
    }
    const { status, headers, body } = await send(exchange);
    beforeReply?.();
    if (fault?.kind === "loseReply") {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(status, headers);
    if (fault?.kind !== "cutReply") {
      outgoing.end(body);
      return;
    }
    outgoing.flushHeaders();
    outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
  }

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readAll(incoming);
    const { method = "", url = "", headers } = incoming;
    const exchange = {
      door: name,
      method,
      target: url,
      headers,
      body,
      operation: operationOf(name, method, url, body),
    };
    await pass(exchange, await meet(exchange), outgoing);
  }

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const shut = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    await new Promise((resolve) => server.close(resolve));
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    redeliver: (exchange) =>
      send(exchange).then(
        () => undefined,
        () => undefined,
      ),
    async refuse(forMs) {
      if (!server.listening) return;
      await shut();
      await wait(forMs);
      await listen(port);
    },
    async settled() {
      while (later.size > 0) await Promise.all(later);
    },
    async close() {
      await Promise.all(later);
      await shut();
      agent.destroy();
    },
  };
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
