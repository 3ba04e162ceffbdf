/**
 * The deployment's storage variables, read in one place. Mutations need only where objects belong (`storageTarget`); actions also need
 * how to reach the store (`storageAccess`). Nothing here is ever written to a row, a log or an answer.
 */
import * as z from "zod";
import type { StorageBackendName } from "../../contract/asset.ts";
import { LOCAL_BUCKET, localUrl } from "../../contract/local-storage.ts";
import { DEFAULT_PRESIGN_SECONDS, MAX_PRESIGN_SECONDS } from "../../contract/limits.ts";
import { env } from "../_generated/server";
import { refuse } from "./refusal.ts";

export interface StorageTarget {
  bucket: string;
  /** `S3_BASE_PREFIX`, or its alias `S3_VIDEO_PREFIX`; may be empty. */
  base: string;
}

/** Shortest life a presigned URL may have: half of it is the window in which it stays the same. */
const MIN_PRESIGN_SECONDS = 60;

const flag = z.enum(["true", "false", "1", "0"]).transform((text) => text === "true" || text === "1");

const accessSchema = z.object({
  AWS_REGION: z.string().min(1),
  AWS_ACCESS_KEY_ID: z.string().min(1),
  AWS_SECRET_ACCESS_KEY: z.string().min(1),
  AWS_SESSION_TOKEN: z.string().optional(),
  S3_ENDPOINT_URL: z.url().optional(),
  S3_FORCE_PATH_STYLE: flag.default(false),
  S3_PUBLIC_BASE_URL: z.url().optional(),
  S3_PRESIGN_EXPIRATION: z.coerce
    .number()
    .int()
    .min(MIN_PRESIGN_SECONDS)
    .max(MAX_PRESIGN_SECONDS)
    .default(DEFAULT_PRESIGN_SECONDS),
});

export interface StorageAccess extends StorageTarget {
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  endpoint: string | undefined;
  forcePathStyle: boolean;
  publicBaseUrl: string | undefined;
  presignSeconds: number;
}

export function storageTarget(backend: StorageBackendName = "s3"): StorageTarget {
  const base = set(env.S3_BASE_PREFIX) ?? set(env.S3_VIDEO_PREFIX) ?? "";
  if (backend === "local") {
    // Nothing is taken in that nobody could be sent to.
    localAccess();
    return { bucket: LOCAL_BUCKET, base };
  }
  const bucket = set(env.S3_BUCKET);
  if (bucket === undefined) return refuse("STORAGE_UNCONFIGURED", "S3_BUCKET is not set on this deployment.");
  return { bucket, base };
}

/** How a record names the place of its object. */
export function placeOf(backend: StorageBackendName, bucket: string, s3Key: string) {
  const s3Url = backend === "local" ? localUrl(s3Key) : `s3://${bucket}/${s3Key}`;
  return { storageBackend: backend, bucket, s3Url };
}

/** The bucket agents are told of; undefined on a deployment that only knows folders. */
export function bucketForAgents(): string | undefined {
  const keepsLocally = set(env.STORAGE_LOCAL_BASE_URL) !== undefined;
  return set(env.S3_BUCKET) === undefined && keepsLocally ? undefined : storageTarget().bucket;
}

export interface LocalAccess {
  baseUrl: string;
  signingKey: string;
  presignSeconds: number;
}

const localSchema = z.object({
  STORAGE_LOCAL_BASE_URL: z.url(),
  STORAGE_LOCAL_SIGNING_KEY: z.string().min(16),
  S3_PRESIGN_EXPIRATION: accessSchema.shape.S3_PRESIGN_EXPIRATION,
});

export function localAccess(): LocalAccess {
  const parsed = localSchema.safeParse({
    STORAGE_LOCAL_BASE_URL: set(env.STORAGE_LOCAL_BASE_URL),
    STORAGE_LOCAL_SIGNING_KEY: set(env.STORAGE_LOCAL_SIGNING_KEY),
    S3_PRESIGN_EXPIRATION: set(env.S3_PRESIGN_EXPIRATION),
  });
  if (!parsed.success) return unconfigured(parsed.error);
  return {
    baseUrl: parsed.data.STORAGE_LOCAL_BASE_URL,
    signingKey: parsed.data.STORAGE_LOCAL_SIGNING_KEY,
    presignSeconds: parsed.data.S3_PRESIGN_EXPIRATION,
  };
}

function unconfigured(error: z.ZodError): never {
  // Only what is wrong with a value, never the value.
  const faults = error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  return refuse("STORAGE_UNCONFIGURED", `${faults.join("; ")}.`);
}

export function storageAccess(): StorageAccess {
  const target = storageTarget();
  const parsed = accessSchema.safeParse({
    AWS_REGION: set(env.AWS_REGION),
    AWS_ACCESS_KEY_ID: set(env.AWS_ACCESS_KEY_ID),
    AWS_SECRET_ACCESS_KEY: set(env.AWS_SECRET_ACCESS_KEY),
    AWS_SESSION_TOKEN: set(env.AWS_SESSION_TOKEN),
    S3_ENDPOINT_URL: set(env.S3_ENDPOINT_URL),
    S3_FORCE_PATH_STYLE: set(env.S3_FORCE_PATH_STYLE)?.toLowerCase(),
    S3_PUBLIC_BASE_URL: set(env.S3_PUBLIC_BASE_URL),
    S3_PRESIGN_EXPIRATION: set(env.S3_PRESIGN_EXPIRATION),
  });
  if (!parsed.success) return unconfigured(parsed.error);
  const read = parsed.data;
  return {
    ...target,
    region: read.AWS_REGION,
    credentials: {
      accessKeyId: read.AWS_ACCESS_KEY_ID,
      secretAccessKey: read.AWS_SECRET_ACCESS_KEY,
      ...(read.AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: read.AWS_SESSION_TOKEN }),
    },
    endpoint: read.S3_ENDPOINT_URL,
    forcePathStyle: read.S3_FORCE_PATH_STYLE,
    publicBaseUrl: read.S3_PUBLIC_BASE_URL,
    presignSeconds: read.S3_PRESIGN_EXPIRATION,
  };
}

/** A variable set to nothing is a variable not set. */
function set(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}
