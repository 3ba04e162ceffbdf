/** The other half of the fake's test: the same sentences, asked of the real client on the real stack. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe } from "vitest";
import { BUCKET } from "../../../demo/stack.ts";
import { startStudio } from "../support/studio.ts";
import { describesClient } from "./conformance.ts";

const studio = startStudio();

describe("the real client answers as the fake", () => {
  describesClient(() => ({
    client: async (mode) => {
      const retry = { attempts: 2, baseDelayMs: 1, maxDelayMs: 20 };
      return (mode === "strict" ? studio.client({ retry }) : studio.queueing({ retry })).reelsync;
    },
    async outage(dependency) {
      const { objectStore, deployment } = studio.stack.local;
      const service = dependency === "s3" ? objectStore : deployment;
      await service.stop();
      return async () => {
        await service.start();
      };
    },
    async bytesOf(s3Key) {
      const { endpoint, credentials } = studio.stack.local.objectStore;
      const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: s3Key }));
      const bytes = await Body?.transformToByteArray();
      client.destroy();
      if (bytes === undefined) throw new Error(`nothing under ${s3Key}`);
      return bytes;
    },
  }));
});
