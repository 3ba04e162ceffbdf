/** The store every side uploads to: a Ceph gateway of this process's own where it is installed, else the local object store. */
import {
  DeleteObjectsCommand,
  CreateBucketCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { BUCKET, type ReelsyncStack } from "../../demo/stack.ts";
import { missingPrograms, startGateway } from "../../test/s3/ceph-gateway.ts";

export interface BenchStore {
  name: string;
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  client: S3Client;
  /** For an agent on this store. */
  agentEnv: Record<string, string>;
  /** Removes every object, and gives their memory back before the next run begins. */
  clear: () => Promise<void>;
  close: () => Promise<void>;
}

export async function openStore(stack: ReelsyncStack): Promise<BenchStore> {
  const gateway = missingPrograms().length === 0 ? await startGateway() : undefined;
  const { endpoint, credentials } = gateway ?? stack.local.objectStore;
  const client = new S3Client({ region: "us-east-1", endpoint, forcePathStyle: true, credentials });
  const env = {
    S3_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  if (gateway !== undefined) {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await stack.setEnv(env);
  }
  return {
    name: gateway === undefined ? "the local object store" : "a Ceph gateway",
    endpoint,
    ...credentials,
    client,
    agentEnv: { ...stack.agentEnv, ...env },
    async clear() {
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
