/** A local service over TLS: client ── TLS ── this ── in clear ── the service. */
import { readFile } from "node:fs/promises";
import { connect, type AddressInfo, type Socket } from "node:net";
import { createServer } from "node:tls";
import { onTestFinished } from "vitest";
import { makeCertificate } from "../../support/certificate.ts";
import { tempDir } from "../../support/temp-dir.ts";

export interface TlsFront {
  url: string;
  /** The authority's certificate, for NODE_EXTRA_CA_CERTS. */
  ca: string;
}

export async function startTlsFront(service: string): Promise<TlsFront> {
  const { port } = new URL(service);
  const { key, certificate } = await makeCertificate(await tempDir(), "IP:127.0.0.1");
  const open = new Set<Socket>();
  const front = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (near) => {
    const far = connect(Number(port), "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one
        .on("error", () => other.destroy())
        .on("close", () => {
          open.delete(one);
          other.destroy();
        });
    }
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => front.close(resolve));
  });
  return { url: `https://127.0.0.1:${(front.address() as AddressInfo).port}`, ca: certificate };
}
