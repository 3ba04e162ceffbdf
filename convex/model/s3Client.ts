/** The AWS client of the deployment's actions, for signing and for looking after the bucket. */
import { S3Client } from "@aws-sdk/client-s3";
import type { StorageAccess } from "./storageEnv.ts";

export function createS3Client(access: StorageAccess): S3Client {
  return new S3Client({
    region: access.region,
    credentials: access.credentials,
    forcePathStyle: access.forcePathStyle,
    ...(access.endpoint === undefined ? {} : { endpoint: access.endpoint }),
    // The default signs checksum parameters into the URL, which stores then verify against nothing.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
}
