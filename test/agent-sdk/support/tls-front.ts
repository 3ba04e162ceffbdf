/** A local service over TLS: client ── TLS ── this ── in clear ── the service. */
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { createServer } from "node:tls";
import { makeCertificate } from "../../support/certificate.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { joined, listening } from "./sockets.ts";

export interface TlsFront {
  url: string;
  /** The authority's certificate, for NODE_EXTRA_CA_CERTS. */
  ca: string;
}

export async function startTlsFront(service: string): Promise<TlsFront> {
  const { port } = new URL(service);
  const { key, certificate } = await makeCertificate(await tempDir(), "IP:127.0.0.1");
  const pair = { key: await readFile(key), cert: await readFile(certificate) };
  const front = createServer(pair, (near) => joined(near, connect(Number(port), "127.0.0.1")));
  return { url: `https://127.0.0.1:${await listening(front)}`, ca: certificate };
}
