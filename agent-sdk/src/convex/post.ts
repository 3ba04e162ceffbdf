/**
 * One POST over a kept connection. Node's own `fetch` would do, but brings 15 MiB of memory with it, a tenth of what the
 * SDK may use while it moves a gigabyte.
 */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
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
  const { agentsFor, close } = keepAgents();

  const post: Post = async (url, headers, body, signal) => {
    const target = new URL(url);
    const { httpAgent, httpsAgent } = await agentsFor(url);
    return new Promise((resolve, reject) => {
      const secure = target.protocol === "https:";
      const options = {
        method: "POST",
        headers: { ...headers, "Content-Length": Buffer.byteLength(body) },
        agent: secure ? httpsAgent : httpAgent,
        signal,
      };
      const answered = (incoming: IncomingMessage) => {
        readReply(incoming).then(resolve, reject);
      };
      const outgoing = secure
        ? httpsRequest(target, options, answered)
        : httpRequest(target, options, answered);
      outgoing.once("error", reject);
      outgoing.end(body);
    });
  };

  return { post, close };
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
