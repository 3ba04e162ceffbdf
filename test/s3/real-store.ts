/** The store the environment names, a bucket of the running file's own in it, and what is really there, by the AWS client. */
import { createHash, randomBytes } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { S3Options } from "reelsync";

function variable(name: string, otherwise?: string): string {
  const value = process.env[name] ?? otherwise;
  if (value === undefined || value === "")
    throw new Error(`${name} is not set: run npm run test:s3 -- --help`);
  return value;
}

export interface RealStore {
  endpoint: string;
  bucket: string;
  /** For the SDK. */
  options: S3Options & { bucket: string; region: string; accessKeyId: string; secretAccessKey: string };
  /** For an agent or a deployment. */
  env: Record<string, string>;
  keys: (prefix?: string) => Promise<string[]>;
  /** Those of one key: a creation whose reply was lost leaves one that nobody can name, for the bucket's rules to remove. */
  multipartUploads: (key: string) => Promise<number>;
  head: (key: string) => ReturnType<typeof headObject>;
  sha256: (key: string) => Promise<string>;
  put: (key: string, body: string) => Promise<void>;
  remove: (key: string) => Promise<void>;
  /** Refuses these actions to everybody, until the function it returns is called or the test ends. */
  deny: (...actions: string[]) => Promise<() => Promise<void>>;
}

/** Registers the hooks of a file; the bucket exists from the first test on, and is gone after the last. */
export function useRealStore({ versioned = false } = {}): RealStore {
  const endpoint = variable("S3_ENDPOINT_URL");
  const region = variable("AWS_REGION", "us-east-1");
  const accessKeyId = variable("AWS_ACCESS_KEY_ID");
  const secretAccessKey = variable("AWS_SECRET_ACCESS_KEY");
  const forcePathStyle = variable("S3_FORCE_PATH_STYLE", "true") === "true";
  const bucket = `reelsync-test-${randomBytes(6).toString("hex")}`;
  const Bucket = bucket;
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });

  beforeAll(async () => {
    await client.send(new CreateBucketCommand({ Bucket }));
    if (!versioned) return;
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  });
  afterAll(async () => {
    await removeBucket(client, bucket);
    client.destroy();
  });

  return {
    endpoint,
    bucket,
    options: { endpoint, bucket, region, accessKeyId, secretAccessKey, forcePathStyle },
    env: {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      S3_BUCKET: bucket,
      S3_ENDPOINT_URL: endpoint,
      S3_FORCE_PATH_STYLE: String(forcePathStyle),
    },
    async keys(prefix = "") {
      const keys: string[] = [];
      for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: prefix })) {
        keys.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
      }
      return keys;
    },
    async multipartUploads(key) {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: key }));
      return Uploads.length;
    },
    head: (key) => headObject(client, bucket, key),
    async sha256(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
      const hash = createHash("sha256");
      for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk);
      return hash.digest("hex");
    },
    async put(key, body) {
      await client.send(new PutObjectCommand({ Bucket, Key: key, Body: body }));
    },
    async remove(key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key: key }));
    },
    async deny(...actions) {
      const Statement = {
        Effect: "Deny",
        Principal: "*",
        Action: actions,
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      };
      const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [Statement] });
      await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
      const allow = async () => {
        await client.send(new DeleteBucketPolicyCommand({ Bucket }));
      };
      onTestFinished(allow);
      return allow;
    },
  };
}

function headObject(client: S3Client, bucket: string, key: string) {
  return client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
}

/** A bucket can only be removed empty: of objects, of their versions, and of parts. */
async function removeBucket(client: S3Client, bucket: string): Promise<void> {
  const Bucket = bucket;
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads) {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket }));
    const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    if (all.length === 0) break;
    await Promise.all(
      all.map(({ Key, VersionId }) => client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))),
    );
  }
  await client.send(new DeleteBucketCommand({ Bucket }));
}
