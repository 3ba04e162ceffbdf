/**
 * A bucket that keeps every setting it is given: the documents of PUT and GET are the same in S3. Stands in for a store
 * that has them all, which no store on this machine does; what a real one makes of them is proven by `npm run test:s3`.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

const NEVER_SET: Record<string, string> = {
  lifecycle: "NoSuchLifecycleConfiguration",
  cors: "NoSuchCORSConfiguration",
  encryption: "ServerSideEncryptionConfigurationNotFoundError",
  publicAccessBlock: "NoSuchPublicAccessBlockConfiguration",
};

export interface BucketOfSettings {
  url: string;
  /** Documents by subresource. */
  documents: Map<string, string>;
  /** Subresources whose PUT is answered with this status and code. */
  refuses: Map<string, { status: number; code: string }>;
}

export async function startBucketOfSettings(): Promise<BucketOfSettings> {
  const documents = new Map<string, string>();
  const refuses: BucketOfSettings["refuses"] = new Map();
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const setting = [...new URL(incoming.url ?? "", "http://x").searchParams.keys()][0] ?? "";
      const error = (status: number, code: string) =>
        outgoing
          .writeHead(status, { "Content-Type": "application/xml" })
          .end(`<Error><Code>${code}</Code></Error>`);
      if (incoming.method === "PUT") {
        const refused = refuses.get(setting);
        if (refused !== undefined) return error(refused.status, refused.code);
        documents.set(setting, await bodyOf(incoming));
        return outgoing.end();
      }
      const document =
        documents.get(setting) ?? (setting === "versioning" ? "<VersioningConfiguration/>" : undefined);
      return document === undefined ? error(404, NEVER_SET[setting] ?? "NoSuchKey") : outgoing.end(document);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, documents, refuses };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
