/** A socket that speaks the sync protocol frame by frame, for rules the official client would hide. */
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import type { Json } from "../../../../local/deployment/values/json.ts";

export type Frame = { type: string } & Record<string, Json>;

export class RawClient {
  readonly #socket: WebSocket;
  readonly #frames: Frame[] = [];
  readonly #waiting: { match: (frame: Frame) => boolean; resolve: (frame: Frame) => void }[] = [];
  /** Frames in the order they arrived, Pings left out. */
  readonly received: Frame[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  sessionId = randomUUID() as string;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) =>
      socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Frame;
      if (frame.type !== "Ping") this.received.push(frame);
      const waiting = this.#waiting.findIndex(({ match }) => match(frame));
      if (waiting === -1) this.#frames.push(frame);
      else this.#waiting.splice(waiting, 1)[0]!.resolve(frame);
    });
  }

  static async open(url: string, path = "/api/1.48.0/sync"): Promise<RawClient> {
    const socket = new WebSocket(url.replace(/^http/, "ws") + path);
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return client;
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  connect(more: object = {}): void {
    const { sessionId } = this;
    this.send({
      type: "Connect",
      sessionId,
      connectionCount: 0,
      lastCloseReason: "InitialConnect",
      clientTs: 0,
      ...more,
    });
  }

  /** Adds queries, numbered from `firstId`. */
  watch(baseVersion: number, paths: string[], firstId = 0): void {
    const modifications = paths.map((udfPath, index) => ({
      type: "Add",
      queryId: firstId + index,
      udfPath,
      args: [{}],
    }));
    this.send({ type: "ModifyQuerySet", baseVersion, newVersion: baseVersion + 1, modifications });
  }

  mutate(requestId: number, udfPath: string, args: Json = {}): void {
    this.send({ type: "Mutation", requestId, udfPath, args: [args] });
  }

  /** The next frame of this type that no one has taken yet. */
  async next(type: string): Promise<Frame> {
    const match = (frame: Frame) => frame.type === type;
    const known = this.#frames.findIndex(match);
    if (known !== -1) return this.#frames.splice(known, 1)[0]!;
    return new Promise((resolve) => this.#waiting.push({ match, resolve }));
  }

  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.terminate();
  }
}

export interface Version {
  querySet: number;
  identity: number;
  ts: string;
}

export function versions(frame: Frame): { start: Version; end: Version } {
  return { start: frame.startVersion as unknown as Version, end: frame.endVersion as unknown as Version };
}

export function tsOf(text: Json | undefined): bigint {
  return Buffer.from(text as string, "base64").readBigUInt64LE();
}

export function modifications(frame: Frame): Frame[] {
  return frame.modifications as Frame[];
}
