/**
 * The WebSocket door: accepts sockets at `/api/<version>/sync`, keeps them alive, and holds back when a client does
 * not read or sends faster than it is served. What the frames mean is `session.ts`'s.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { LiveQueries } from "./live-queries.ts";
import { type SyncContext, SyncSession } from "./session.ts";
import type { SyncSocket } from "./sync-socket.ts";

const SECOND = 1000;
const MIB = 1024 * 1024;

/** The client reconnects after a minute without a message; its own pings of the socket do not count. */
const SILENCE_BEFORE_PING = 15 * SECOND;
const DEAD_AFTER = 120 * SECOND;
/** Arguments may have 16 MiB each. */
const MAX_FRAME_BYTES = 64 * MIB;
const MAX_UNSENT_FRAMES = 2;
const MAX_PENDING_REQUESTS = 1000;
/** A close frame has room for 125 bytes, two of which are the code. */
const MAX_CLOSE_REASON_BYTES = 123;

const SYNC_PATH = /^\/api\/(?:[\w.-]+\/)?sync$/;

export class SyncDoor {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });
  readonly #context: SyncContext;
  readonly #liveness: NodeJS.Timeout;
  readonly #connections = new Set<Connection>();

  constructor(context: Omit<SyncContext, "liveQueries">) {
    this.#context = { ...context, liveQueries: new LiveQueries(context.engine) };
    this.#liveness = setInterval(() => this.#checkLiveness(), SECOND);
    this.#liveness.unref();
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? "").split("?", 1)[0]!;
    if (!SYNC_PATH.test(path)) {
      socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(webSocket, this.#context);
      this.#connections.add(connection);
      webSocket.once("close", () => this.#connections.delete(connection));
    });
  }

  /** Drops every socket at once, as an outage would. */
  close(): void {
    clearInterval(this.#liveness);
    for (const connection of this.#connections) connection.drop();
    this.#context.liveQueries.close();
  }

  #checkLiveness(): void {
    for (const connection of this.#connections) connection.checkLiveness(Date.now());
  }
}

class Connection implements SyncSocket {
  readonly #webSocket: WebSocket;
  readonly #session: SyncSession;
  #lastSent = Date.now();
  #lastHeard = Date.now();
  #unsent = 0;
  #onWritable: (() => void)[] = [];

  constructor(webSocket: WebSocket, context: SyncContext) {
    this.#webSocket = webSocket;
    this.#session = new SyncSession(this, context);
    webSocket.on("message", (data: Buffer) => {
      this.#lastHeard = Date.now();
      if (this.#session.pending >= MAX_PENDING_REQUESTS) webSocket.pause();
      this.#session.receive(data.toString("utf8"));
    });
    webSocket.on("pong", () => (this.#lastHeard = Date.now()));
    webSocket.on("close", () => {
      this.#session.closed();
      this.#release();
    });
    // A broken socket also closes, which is handled above.
    webSocket.on("error", () => undefined);
  }

  send(text: string): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    this.#lastSent = Date.now();
    this.#unsent++;
    this.#webSocket.send(text, () => {
      this.#unsent--;
      if (this.#unsent < MAX_UNSENT_FRAMES) this.#release();
    });
    if (this.#webSocket.isPaused && this.#session.pending < MAX_PENDING_REQUESTS) this.#webSocket.resume();
  }

  async writable(): Promise<void> {
    if (this.#unsent < MAX_UNSENT_FRAMES || this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    await new Promise<void>((resolve) => this.#onWritable.push(resolve));
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, shortened(reason));
    // A client that never answers the close frame would keep the socket.
    this.#webSocket.resume();
  }

  drop(): void {
    this.#session.closed();
    this.#webSocket.terminate();
  }

  checkLiveness(now: number): void {
    if (now - this.#lastHeard > DEAD_AFTER) {
      this.drop();
      return;
    }
    if (now - this.#lastSent < SILENCE_BEFORE_PING) return;
    this.#webSocket.ping();
    this.send(JSON.stringify({ type: "Ping" }));
  }

  #release(): void {
    const waiting = this.#onWritable;
    this.#onWritable = [];
    for (const resolve of waiting) resolve();
  }
}

function shortened(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_CLOSE_REASON_BYTES) text = text.slice(0, -1);
  return text;
}
