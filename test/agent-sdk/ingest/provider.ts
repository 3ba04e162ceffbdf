/** A provider on this machine: paths answer what a test says, and everything that was asked is kept. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export type Answer = (asked: IncomingMessage, answer: ServerResponse) => void;

export interface Provider {
  origin: string;
  host: string;
  port: number;
  paths: Record<string, Answer>;
  /** `METHOD path?query` of every request, in order. */
  asked: string[];
  ranges: (string | undefined)[];
}

export async function startProvider(paths: Record<string, Answer> = {}): Promise<Provider> {
  const provider: Provider = { origin: "", host: "", port: 0, paths, asked: [], ranges: [] };
  const server = createServer((asked, answer) => {
    provider.asked.push(`${asked.method ?? ""} ${asked.url ?? ""}`);
    provider.ranges.push(asked.headers.range);
    const { pathname } = new URL(asked.url ?? "", "http://provider");
    const known = provider.paths[pathname];
    if (known === undefined) answer.writeHead(404).end();
    else known(asked, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  provider.port = (server.address() as AddressInfo).port;
  provider.host = `127.0.0.1:${provider.port}`;
  provider.origin = `http://${provider.host}`;
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return provider;
}

export function serves(bytes: Uint8Array, headers: Record<string, string> = {}): Answer {
  return (_asked, answer) =>
    answer
      .writeHead(200, { "Content-Type": "video/mp4", "Content-Length": String(bytes.length), ...headers })
      .end(bytes);
}

/** Breaks the connection off after so many bytes, the first `times` times; then goes on with ranges, or with everything. */
export function breaksOff(
  bytes: Buffer,
  { times, after, headers = {}, ranges = true }: BreakOptions,
): Answer {
  let broken = 0;
  return (asked, answer) => {
    const from = ranges ? Number(/^bytes=(\d+)-/.exec(asked.headers.range ?? "")?.[1] ?? 0) : 0;
    const rest = bytes.subarray(from);
    answer.writeHead(from > 0 ? 206 : 200, {
      "Content-Type": "video/mp4",
      "Content-Length": String(rest.length),
      ...(from > 0 && { "Content-Range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
      ...headers,
    });
    if (broken++ >= times) return answer.end(rest);
    answer.write(rest.subarray(0, after), () => answer.destroy());
  };
}

interface BreakOptions {
  times: number;
  after: number;
  headers?: Record<string, string>;
  ranges?: boolean;
}

export function redirectsTo(location: string, status = 302): Answer {
  return (_asked, answer) => answer.writeHead(status, { Location: location }).end();
}
