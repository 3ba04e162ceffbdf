/**
 * The HTTP door: sockets, `Expect: 100-continue`, time limits, writing replies. `node:http` directly, because raw paths,
 * the moment of `100 Continue` and the fate of each socket matter here. Knows nothing of S3 beyond two header names.
 */
import { randomUUID } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { INSTANCE_HEADER } from "./data-dir-owner.ts";
import { dispatch, type Application } from "./dispatch.ts";
import type { Reply } from "./request.ts";

const SECOND_MS = 1000;
/** Longer than the idle time of common client pools, so that the client is the one to hang up. */
const KEEP_ALIVE_MS = 75 * SECOND_MS;
const HEADERS_TIMEOUT_MS = 60 * SECOND_MS;
/** 2 KB of metadata, a signature and whatever a browser adds. */
const MAX_HEADER_BYTES = 32 * 1024;

export interface HttpDoor {
  port: number;
  /** Drops every socket at once; resolves when nothing is being worked on any more. */
  close(): Promise<void>;
}

export async function openHttpDoor(app: Application, host: string, port: number): Promise<HttpDoor> {
  const inWork = new Set<Promise<void>>();
  const server = http.createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A large upload may take as long as it makes progress; request-body.ts gives up on a silent one.
    requestTimeout: 0,
  });
  const serve =
    (expectsContinue: boolean) => (incoming: http.IncomingMessage, response: http.ServerResponse) => {
      const work = handle(app, incoming, response, expectsContinue).finally(() => inWork.delete(work));
      inWork.add(work);
    };
  server.on("request", serve(false));
  server.on("checkContinue", serve(true));

  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await Promise.all(inWork);
    },
  };
}

function listen(server: http.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") {
        error.message =
          `Port ${port} on ${host} is in use (EADDRINUSE). ` +
          "Stop the process that listens there, pass another port, or pass 0 for a free one.";
      }
      reject(error);
    });
    server.listen({ host, port }, resolve);
  });
}

async function handle(
  app: Application,
  incoming: http.IncomingMessage,
  response: http.ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  let waitsForContinue = expectsContinue;
  const id = randomUUID().replaceAll("-", "").slice(0, 16).toUpperCase();
  const acceptBody = (): void => {
    if (waitsForContinue) response.writeContinue();
    waitsForContinue = false;
  };
  const reply = await dispatch(app, { id, incoming, acceptBody });
  const headers: Record<string, string> = {
    "x-amz-request-id": id,
    [INSTANCE_HEADER]: app.instance,
    server: "object-store",
    ...reply.headers,
  };
  // Nobody knows whether the client will send the body it was not invited to send: this connection cannot go on.
  if (waitsForContinue) headers["connection"] = "close";
  try {
    await send(reply, headers, incoming.method === "HEAD", response);
  } catch {
    // The client went away, or the object's file failed half-way: a cut connection is the only honest end.
    response.destroy();
  }
}

async function send(
  { status, body }: Reply,
  headers: Record<string, string>,
  isHead: boolean,
  response: http.ServerResponse,
): Promise<void> {
  if (typeof body === "object") {
    try {
      response.writeHead(status, headers);
      await sendBytes(body.chunks, Number(headers["content-length"]), response);
    } finally {
      body.release();
    }
    return;
  }
  const hasContent = status !== 204 && status !== 304 && !isHead;
  if (hasContent) headers["content-length"] = String(Buffer.byteLength(body ?? ""));
  response.writeHead(status, headers);
  response.end(hasContent ? body : undefined);
}

async function sendBytes(
  chunks: AsyncIterable<Buffer>,
  size: number,
  response: http.ServerResponse,
): Promise<void> {
  const closed = closing(response);
  let left = size;
  let flushed = Promise.resolve();
  for await (const chunk of chunks) {
    // One write in flight while the next chunk is being read: what `SegmentStore.read` allows.
    await Promise.race([flushed, closed]);
    left -= chunk.length;
    flushed = write(response, chunk, left === 0);
    flushed.catch(() => undefined);
  }
  await Promise.race([flushed, closed]);
}

/** Rejects when the connection ends. What is written between its death and its end calls nobody back. */
function closing(response: http.ServerResponse): Promise<never> {
  const closed = new Promise<never>((_, reject) => {
    const gone = (): void => reject(new Error("The client went away."));
    if (response.destroyed) gone();
    else response.once("close", gone);
  });
  closed.catch(() => undefined);
  return closed;
}

function write(response: http.ServerResponse, chunk: Buffer, isLast: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (isLast) response.end(chunk, () => resolve());
    else response.write(chunk, done);
  });
}
