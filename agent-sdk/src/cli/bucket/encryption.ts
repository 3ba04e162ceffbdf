import {
  GetBucketEncryptionCommand,
  PutBucketEncryptionCommand,
  type ServerSideEncryptionRule,
} from "@aws-sdk/client-s3";
import { read, write, type BucketSetting } from "./bucket-setting.ts";

/** Encryption at rest by default: with the configured KMS key, else with the store's own. */
export const encryption: BucketSetting = async (bucket) => {
  const { client, config } = bucket;
  const where = { Bucket: config.bucket };
  const found = await read(
    bucket,
    "GetBucketEncryption",
    (options) => client.send(new GetBucketEncryptionCommand(where), options),
    "ServerSideEncryptionConfigurationNotFoundError",
  );
  const present = found?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
  const now =
    present?.SSEAlgorithm === undefined ? "none" : named(present.SSEAlgorithm, present.KMSMasterKeyID);
  const { kmsKeyId } = config;
  const isWanted = kmsKeyId === undefined ? now !== "none" : present?.KMSMasterKeyID === kmsKeyId;
  if (isWanted) return { state: "ok", now };
  const rule: ServerSideEncryptionRule =
    kmsKeyId === undefined
      ? { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }
      : {
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: kmsKeyId },
          BucketKeyEnabled: true,
        };
  return {
    state: "change",
    now,
    wanted: kmsKeyId === undefined ? "AES256" : named("aws:kms", kmsKeyId),
    apply: () =>
      write(bucket, "PutBucketEncryption", (options) =>
        client.send(
          new PutBucketEncryptionCommand({ ...where, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
          options,
        ),
      ),
  };
};

function named(algorithm: string, key: string | undefined): string {
  return key === undefined ? algorithm : `${algorithm} with ${key}`;
}
