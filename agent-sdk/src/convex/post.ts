/**
 * One POST over a kept connection. Node's own `fetch` would do, but brings 15 MiB of memory with it, a tenth of what the
 * SDK may use while it moves a gigabyte.
 */
import type { IncomingMessage } from "node:http";
import { keepAgents } from "../http-agents.ts";

export interface Reply {
  status: number;
  header: (name: string) => string | undefined;
  body: string;
}

export type Post = (
  url: string,
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
) => Promise<Reply>;

/** An answer larger than this is none of a function's. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024;

export function createPost(): { post: Post; close: () => void } {
  const { ask, close } = keepAgents();
  return {
    async post(url, headers, body, signal) {
      const sized = { ...headers, "Content-Length": String(Buffer.byteLength(body)) };
      return readReply(await ask(url, { method: "POST", headers: sized, body, signal }));
    },
    close,
  };
}

async function readReply(incoming: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > MAX_REPLY_BYTES) throw new RangeError(`the answer is larger than ${MAX_REPLY_BYTES} bytes`);
  }
  return {
    status: incoming.statusCode ?? 0,
    header: (name) => [incoming.headers[name]].flat()[0],
    body: Buffer.concat(chunks).toString("utf8"),
  };
}
