/**
 * The `ws` class given to the official client by its own option, with ears: frames can be read, and what arrives can be
 * lost, as on a line that dies after the request and before the answer.
 */
import { WebSocket } from "ws";

export interface Line {
  /** For `webSocketConstructor`. */
  WebSocket: typeof globalThis.WebSocket;
  /** Frames the client sent, over all its connections. */
  readonly sent: Record<string, unknown>[];
  readonly received: Record<string, unknown>[];
  /** From now on nothing arrives at the client. */
  deafen(): void;
  /** Breaks the connection; the next one is whole. */
  cut(): void;
}

export function newLine(): Line {
  const sent: Record<string, unknown>[] = [];
  const received: Record<string, unknown>[] = [];
  const open = new Set<ObservedSocket>();
  class ObservedSocket extends WebSocket {
    deaf = false;
    constructor(url: string | URL) {
      super(url);
      open.add(this);
      this.once("close", () => open.delete(this));
    }
    override send(data: unknown, options?: unknown, done?: unknown): void {
      sent.push(JSON.parse(data as string) as Record<string, unknown>);
      super.send(data as string, options as never, done as never);
    }
    override emit(event: string | symbol, ...args: unknown[]): boolean {
      if (event === "message") {
        if (this.deaf) return true;
        received.push(JSON.parse((args[0] as Buffer).toString()) as Record<string, unknown>);
      }
      return super.emit(event, ...args);
    }
  }
  return {
    WebSocket: ObservedSocket as unknown as typeof globalThis.WebSocket,
    sent,
    received,
    deafen: () => {
      for (const socket of open) socket.deaf = true;
    },
    cut: () => {
      for (const socket of open) socket.terminate();
    },
  };
}
