/** Serves a folder as S3 would: ranges, CORS, and a switch to refuse. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { finished } from "node:stream/promises";

export interface MediaServer {
  url: string;
  requests: string[];
  /** Answers for paths (with query) this returns a status for, before looking at the disk. */
  refuse: (pathAndQuery: string) => number | undefined;
  /** For these, nothing more comes after so many bytes, as on a line that hangs. */
  hang: (pathAndQuery: string) => number | undefined;
  /** For these, the connection breaks after so many bytes. */
  cut: (pathAndQuery: string) => number | undefined;
  close(): Promise<void>;
}

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "content-range, content-length, etag",
  "access-control-allow-headers": "range",
};

export async function startMediaServer(folder: string): Promise<MediaServer> {
  const server = createServer((request, response) => {
    media.requests.push(request.url ?? "");
    if (request.method === "OPTIONS") {
      response.writeHead(204, CORS).end();
      return;
    }
    const refused = media.refuse(request.url ?? "");
    if (refused !== undefined) {
      response.writeHead(refused, CORS).end();
      return;
    }
    const { pathname } = new URL(request.url ?? "/", "http://media");
    const file = path.join(folder, path.basename(pathname));
    const cut = media.cut(request.url ?? "");
    void sendFile(file, request.headers.range, cut ?? media.hang(request.url ?? ""), response).then(() => {
      if (cut !== undefined) response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const media: MediaServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    refuse: () => undefined,
    hang: () => undefined,
    cut: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return media;
}

async function sendFile(
  file: string,
  range: string | undefined,
  hangAfter: number | undefined,
  response: ServerResponse,
): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (!found) {
    response.writeHead(404, CORS).end();
    return;
  }
  const [, first, until] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  const start = first === undefined ? 0 : Number(first);
  const end = until ? Math.min(Number(until), found.size - 1) : found.size - 1;
  response.writeHead(first === undefined ? 200 : 206, {
    ...CORS,
    "content-type": file.endsWith(".mp4") ? "video/mp4" : "text/plain; charset=utf-8",
    "content-length": end - start + 1,
    "accept-ranges": "bytes",
    ...(first === undefined ? {} : { "content-range": `bytes ${start}-${end}/${found.size}` }),
  });
  const last = hangAfter === undefined ? end : Math.min(end, start + hangAfter);
  const stream = createReadStream(file, { start, end: last });
  stream.pipe(response, { end: last === end });
  await finished(stream).catch(() => response.destroy());
}
