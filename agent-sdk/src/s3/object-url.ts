/**
 * The URL of an object, made on this machine: no round trip, and nothing to store. It is the URL that the deployment
 * hands to players at the same moment, byte for byte, and it lives at least half of its life after it was handed out.
 */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { publicUrl, windowStart } from "../../../contract/stable-url.ts";
import type { S3Config } from "../config.ts";

export async function objectUrl(
  client: S3Client,
  config: Pick<S3Config, "bucket" | "publicBaseUrl" | "presignSeconds">,
  key: string,
  now = storeTime(client),
): Promise<string> {
  if (config.publicBaseUrl !== undefined) return publicUrl(config.publicBaseUrl, key);
  return getSignedUrl(client, new GetObjectCommand({ Bucket: config.bucket, Key: key }), {
    expiresIn: config.presignSeconds,
    signingDate: new Date(windowStart(key, now, config.presignSeconds)),
  });
}

/** Requests are signed with the clock the client has learned from the store's answers; presigning does not do so by itself. */
function storeTime({ config: { systemClockOffset } }: S3Client): number {
  return Date.now() + systemClockOffset;
}
