/**
 * The URL of an object, made on this machine: no round trip, and nothing to store. Presigned URLs are signed in windows
 * of half their life, so everybody who asks within a window gets the same URL, and every URL lives at least the other
 * half from the moment it is handed out.
 */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { S3Config } from "../config.ts";

export async function objectUrl(
  client: S3Client,
  config: Pick<S3Config, "bucket" | "publicBaseUrl" | "presignSeconds">,
  key: string,
  now = Date.now(),
): Promise<string> {
  if (config.publicBaseUrl !== undefined) {
    return `${config.publicBaseUrl.replace(/\/+$/, "")}/${key.split("/").map(encodeURIComponent).join("/")}`;
  }
  return getSignedUrl(client, new GetObjectCommand({ Bucket: config.bucket, Key: key }), {
    expiresIn: config.presignSeconds,
    signingDate: windowStart(now, config.presignSeconds),
  });
}

export function windowStart(now: number, presignSeconds: number): Date {
  const window = Math.floor(presignSeconds / 2) * 1000;
  return new Date(Math.floor(now / window) * window);
}
