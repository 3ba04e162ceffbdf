/** What a setting of a bucket is, and what reading or changing one may end with. */
import type { S3Client } from "@aws-sdk/client-s3";
import type { Call } from "../../call.ts";
import type { S3Config } from "../../config.ts";
import { isReelsyncError, type ReelsyncError } from "../../errors.ts";
import { requestS3 } from "../../s3/request-s3.ts";
import { s3Code } from "../../s3/s3-errors.ts";

export interface Wishes {
  /** `S3_BASE_PREFIX` with its slash, or nothing. */
  base: string;
  /** `S3_TEMP_PREFIX` with its slash: temporary objects of an older layout. */
  tempFolder: string;
  tenants: readonly string[];
  origins: readonly string[];
  tempDays: number;
}

export interface Bucket {
  client: S3Client;
  config: S3Config;
  call: Call;
  wishes: Wishes;
}

export type Inspection =
  | { state: "ok"; now: string }
  | { state: "change"; now: string; wanted: string; note?: string; apply: () => Promise<void> }
  /** Left as it is on purpose. */
  | { state: "skipped"; now: string; note: string };

export type BucketSetting = (bucket: Bucket) => Promise<Inspection>;

/** Only AWS has all of S3; other stores leave settings out, or take them differently than they say. */
export function isAws({ endpoint }: Pick<S3Config, "endpoint">): boolean {
  return endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

type Send<T> = (options: { abortSignal: AbortSignal }) => Promise<T>;

/** Reads a setting; one that was never set is an error to S3 and undefined here. */
export async function read<T extends { $metadata: { attempts?: number } }>(
  { call }: Bucket,
  action: string,
  send: Send<T>,
  ...neverSet: string[]
): Promise<T | undefined> {
  try {
    return await requestS3(call, action, send);
  } catch (error) {
    if (isReelsyncError(error) && neverSet.includes(s3Code(error.cause) ?? "")) return undefined;
    throw error;
  }
}

export async function write<T extends { $metadata: { attempts?: number } }>(
  { call }: Bucket,
  action: string,
  send: Send<T>,
): Promise<void> {
  await requestS3(call, action, send);
}

/** Whether the store says that it does not have this. Where it is not AWS, a 400 says that too: it knows no such document. */
export function isUnsupported(error: ReelsyncError, config: S3Config): boolean {
  const cause = error.cause as { $metadata?: { httpStatusCode?: number } } | undefined;
  const status = cause?.$metadata?.httpStatusCode;
  if (error.code === "S3_CREDENTIALS_INVALID" || error.code === "S3_ACCESS_DENIED") return false;
  // An answer that cannot be read is that of a store that took the request for another one.
  return status === 501 || status === 405 || (!isAws(config) && (status === 400 || status === 200));
}
