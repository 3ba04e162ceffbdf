/** A certificate of its own authority, for services that are spoken to over TLS. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificate {
  /** Both are paths; the certificate's is one for NODE_EXTRA_CA_CERTS as well. */
  key: string;
  certificate: string;
}

/** `name` as a certificate writes it: `DNS:*.far.example`, `IP:127.0.0.1`. */
export async function makeCertificate(folder: string, name: string): Promise<Certificate> {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  await promisify(execFile)("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1".split(" "),
    ...["-keyout", key, "-out", certificate],
    ...["-subj", "/CN=reelsync", "-addext", `subjectAltName=${name}`],
  ]);
  return { key, certificate };
}
