/**
 * Services that only a proxy can reach: their names resolve nowhere, and they speak TLS with a certificate of an
 * authority of their own. Behind the proxy they are the local ones.
 *
 *   client ── CONNECT s3.far.example:443 ──▶ proxy ──▶ TLS end ── decrypted, by name ──▶ local service
 *          ── CONNECT s3.far.example:80 ───▶ proxy ───────────────────────────────────▶ local service
 *          ── GET http://s3.far.example/ ──▶ proxy ───────────────────────────────────▶ local service
 */
import { readFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { makeCertificate } from "../../support/certificate.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { joined, listening } from "./sockets.ts";

export interface FarServices {
  proxy: string;
  /** The authority's certificate, for NODE_EXTRA_CA_CERTS. */
  ca: string;
  /** Every tunnel that was asked for, `host:port`, in order. */
  tunnels: string[];
  /** Every request that came in clear, as an absolute URL. */
  forwarded: string[];
  /** Most tunnels to one host that were open at once. */
  mostAtOnce: (host: string) => number;
}

const LOGIN = "agent:open sesame";

/** `services` are local URLs by the names they are known under behind the proxy. */
export async function startFarServices(services: Record<string, string>): Promise<FarServices> {
  const { key, certificate: ca } = await makeCertificate(await tempDir(), "DNS:*.far.example");
  const behind = (host: string | false | null | undefined): Socket => {
    const { port } = new URL(services[host || ""] ?? "http://127.0.0.1:9");
    return connect(Number(port), "127.0.0.1");
  };
  const tlsEnd = createTlsServer(
    { key: await readFile(key), cert: await readFile(ca) },
    (socket: TLSSocket) => joined(socket, behind(socket.servername)),
  );
  const tlsPort = await listening(tlsEnd);

  const tunnels: string[] = [];
  const forwarded: string[] = [];
  const [open, most] = [new Map<string, number>(), new Map<string, number>()];
  const isKnown = (header: string | undefined) => header === `Basic ${Buffer.from(LOGIN).toString("base64")}`;
  const proxy = createServer((incoming, outgoing) => {
    if (!isKnown(incoming.headers["proxy-authorization"])) return outgoing.writeHead(407).end();
    const target = new URL(incoming.url ?? "");
    forwarded.push(target.href);
    const { port } = new URL(services[target.hostname] ?? "http://127.0.0.1:9");
    const onward = httpRequest(
      {
        host: "127.0.0.1",
        port,
        method: incoming.method,
        path: `${target.pathname}${target.search}`,
        headers: incoming.headers,
      },
      (reply) => reply.pipe(outgoing.writeHead(reply.statusCode ?? 502, reply.headers)),
    );
    incoming.pipe(onward.once("error", () => outgoing.destroy()));
    return undefined;
  });
  proxy.on("connect", (request, socket: Socket) => {
    if (!isKnown(request.headers["proxy-authorization"])) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const target = request.url ?? "";
    tunnels.push(target);
    open.set(target, (open.get(target) ?? 0) + 1);
    most.set(target, Math.max(most.get(target) ?? 0, open.get(target) ?? 0));
    socket.once("close", () => open.set(target, (open.get(target) ?? 0) - 1));
    const [host, port] = target.split(":");
    const onward = port === "80" ? behind(host) : connect(tlsPort, "127.0.0.1");
    onward.once("connect", () => socket.write("HTTP/1.1 200 Connected\r\n\r\n"));
    joined(socket, onward);
  });
  const proxyPort = await listening(proxy);
  const login = LOGIN.split(":").map(encodeURIComponent).join(":");
  return {
    proxy: `http://${login}@127.0.0.1:${proxyPort}`,
    ca,
    tunnels,
    forwarded,
    mostAtOnce: (host) => most.get(host) ?? 0,
  };
}
