/** A sidecar on a port of its own over a client of the running test, and requests to it as any language would make them. */
import { request as httpRequest } from "node:http";
import { onTestFinished } from "vitest";
import type { Reelsync } from "reelsync";
import { listen } from "../../../../agent-sdk/src/serve/http-server.ts";
import { createSidecar, type Sidecar } from "../../../../agent-sdk/src/serve/sidecar.ts";

export const TOKEN = "token-of-the-running-test";

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown>;
  /** Of an answer in JSON lines. */
  lines: Record<string, unknown>[];
  text: string;
}

export interface Asking {
  body?: unknown;
  bytes?: Uint8Array;
  headers?: Record<string, string>;
}

export interface RunningSidecar {
  sidecar: Sidecar;
  url: string;
  ask: (method: "GET" | "POST", path: string, asking?: Asking) => Promise<Answer>;
}

export async function openSidecar(reelsync: Reelsync, host = "127.0.0.1"): Promise<RunningSidecar> {
  const sidecar = createSidecar(reelsync);
  const server = await listen(sidecar, { host, token: TOKEN }, 0);
  onTestFinished(async () => {
    server.stopListening();
    await server.close();
  });
  return { sidecar, url: server.url, ask: (method, path, asking) => ask(server.url, method, path, asking) };
}

/** Not `fetch`, which neither sends a Host header of one's choice nor leaves out its own. */
export function ask(
  url: string,
  method: string,
  path: string,
  { body, bytes, headers = {} }: Asking = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      `${url}${path}`,
      {
        method,
        agent: false,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
      },
      (reply) => {
        const chunks: Buffer[] = [];
        reply.on("data", (chunk: Buffer) => chunks.push(chunk));
        reply.once("error", reject);
        reply.once("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: reply.statusCode ?? 0,
            headers: reply.headers as Record<string, string>,
            text,
            get body() {
              return JSON.parse(text) as Record<string, unknown>;
            },
            get lines() {
              return text
                .trimEnd()
                .split("\n")
                .map((line) => JSON.parse(line) as Record<string, unknown>);
            },
          });
        });
      },
    );
    asked.once("error", reject);
    asked.end(bytes ?? (body === undefined ? undefined : JSON.stringify(body)));
  });
}
