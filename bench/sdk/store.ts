/** The store every side uploads to: a Ceph gateway of this process's own where it is installed, else the local object store. */
import {
  DeleteObjectsCommand,
  CreateBucketCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { BUCKET, type ReelsyncStack } from "../../demo/stack.ts";
import { missingPrograms, startGateway } from "../../test/s3/ceph-gateway.ts";

/** One way to the store, with the certificate its clients have to trust. */
export interface BenchWire {
  endpoint: string;
  ca?: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Signs for this endpoint. */
  client: S3Client;
  /** For an agent on this store. */
  agentEnv: Record<string, string>;
}

export interface BenchStore {
  name: string;
  clear: BenchWire;
  /** Only the gateway has it. */
  tls?: BenchWire;
  /** Removes every object, and gives their memory back before the next run begins. */
  empty: () => Promise<void>;
  close: () => Promise<void>;
}

export async function openStore(stack: ReelsyncStack): Promise<BenchStore> {
  const gateway = missingPrograms().length === 0 ? await startGateway() : undefined;
  const { endpoint, credentials } = gateway ?? stack.local.objectStore;
  const envFor = (url: string) => ({
    S3_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });
  const wireTo = (url: string, ca?: string): BenchWire => ({
    endpoint: url,
    ...credentials,
    client: new S3Client({ region: "us-east-1", endpoint: url, forcePathStyle: true, credentials }),
    agentEnv: { ...stack.agentEnv, ...envFor(url), ...(ca !== undefined && { NODE_EXTRA_CA_CERTS: ca }) },
    ...(ca !== undefined && { ca }),
  });
  const clear = wireTo(endpoint);
  const { client } = clear;
  if (gateway !== undefined) {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await stack.setEnv(envFor(endpoint));
  }
  return {
    name: gateway === undefined ? "the local object store" : "a Ceph gateway",
    clear,
    ...(gateway !== undefined && { tls: wireTo(gateway.tls.endpoint, gateway.tls.ca) }),
    async empty() {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: BUCKET })) {
        const Objects = Contents.map(({ Key }) => ({ Key }));
        if (Objects.length > 0) {
          await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet: true } }));
        }
      }
      await gateway?.collectGarbage();
    },
    async close() {
      client.destroy();
      await gateway?.close();
    },
  };
}
