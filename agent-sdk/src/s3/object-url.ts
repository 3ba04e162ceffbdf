/**
 * The URL of an object, made on this machine: no round trip, and nothing to store. It is the URL that the deployment
 * hands to players at the same moment, byte for byte, and it lives at least half of its life after it was handed out.
 */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl, S3RequestPresigner } from "@aws-sdk/s3-request-presigner";
import type { HttpRequest } from "@smithy/types";
import { publicUrl, windowStart } from "../../../contract/stable-url.ts";
import type { S3Config } from "../config.ts";
import { escaped, templateFor } from "./request-template.ts";

export async function objectUrl(
  client: S3Client,
  config: Pick<S3Config, "bucket" | "publicBaseUrl" | "presignSeconds">,
  key: string,
  now = storeTime(client),
): Promise<string> {
  if (config.publicBaseUrl !== undefined) return publicUrl(config.publicBaseUrl, key);
  const signing = {
    expiresIn: config.presignSeconds,
    signingDate: new Date(windowStart(key, now, config.presignSeconds)),
  };
  const getObject = (Key: string) => new GetObjectCommand({ Bucket: config.bucket, Key });
  const template = await templateFor(client, `GetObject ${config.bucket}`, getObject);
  if (template === undefined) return getSignedUrl(client, getObject(key), signing);
  const request = template.make(key);
  // What tells of the client would only make the URL longer.
  request.headers = { host: request.headers["host"] ?? request.hostname };
  const { signingRegion } = template;
  return asUrl(await presignerOf(client).presign(request, { ...signing, signingRegion }));
}

/** Requests are signed with the clock the client has learned from the store's answers; presigning does not do so by itself. */
export function storeTime({ config: { systemClockOffset } }: S3Client): number {
  return Date.now() + systemClockOffset;
}

const presigners = new WeakMap<S3Client, S3RequestPresigner>();

function presignerOf(client: S3Client): S3RequestPresigner {
  const presigner = presigners.get(client) ?? new S3RequestPresigner(client.config);
  presigners.set(client, presigner);
  return presigner;
}

function asUrl({ protocol, hostname, port, path, query = {} }: HttpRequest): string {
  const host = port === undefined ? hostname : `${hostname}:${port}`;
  const parameters = Object.keys(query)
    .sort()
    .map((name) => `${escaped(name)}=${escaped([query[name]].flat().join(","))}`);
  return `${protocol}//${host}${path}?${parameters.join("&")}`;
}
