/** Every setting in one table: where it comes from, what it must be, and what it is when nobody says. */
import * as z from "zod";
import {
  DEFAULT_MULTIPART_THRESHOLD_BYTES,
  DEFAULT_PRESIGN_SECONDS,
  GIB,
  MAX_PRESIGN_SECONDS,
  MAX_SINGLE_PUT_BYTES,
  MIB,
  MIN_PART_BYTES,
  MINUTE,
  SECOND,
} from "../../contract/limits.ts";
import { ROLLOUT_STAGES } from "../../contract/rollout.ts";
import { STAGE_SETTINGS } from "./stage-folders.ts";
import { address, agentKey, bucketName, count, flag, hosts, oneOf, text, type Setting } from "./setting.ts";

/** What S3 has names for; a bucket made since 2023 refuses all but the owner's. */
const CANNED_ACLS = [
  "private",
  "public-read",
  "public-read-write",
  "authenticated-read",
  "aws-exec-read",
  "bucket-owner-read",
  "bucket-owner-full-control",
] as const;
export type CannedAcl = (typeof CANNED_ACLS)[number];

export const SETTINGS = {
  convexUrl: {
    option: "convexUrl",
    env: ["CONVEX_URL"],
    schema: address,
    to: "the deployment's URL, e.g. https://happy-cat-123.convex.cloud",
  },
  convexSiteUrl: {
    option: "convexSiteUrl",
    env: ["CONVEX_SITE_URL"],
    schema: address.optional(),
    to: "the URL of the deployment's HTTP actions",
  },
  agentKey: {
    option: "agentKey",
    env: ["REELSYNC_AGENT_KEY"],
    schema: agentKey.optional(),
    to: "an agent key (rsk_…)",
    secret: true,
  },
  agentName: {
    option: "agentName",
    env: ["REELSYNC_AGENT_NAME"],
    schema: text.max(200, "expected at most 200 characters").optional(),
    to: "a name for this machine",
  },
  bucket: {
    option: "s3.bucket",
    env: ["S3_BUCKET", "S3_BUCKET_NAME", "STORAGE_S3_BUCKET"],
    schema: bucketName,
    to: "the bucket's name",
    unlessLocal: true,
  },
  region: {
    option: "s3.region",
    env: ["AWS_REGION", "AWS_DEFAULT_REGION", "STORAGE_S3_REGION"],
    schema: text.optional(),
    to: "the bucket's region",
  },
  accessKeyId: {
    option: "s3.accessKeyId",
    env: ["AWS_ACCESS_KEY_ID", "STORAGE_S3_ACCESS_KEY_ID"],
    schema: text,
    to: "the access key's id, or S3_CREDENTIALS to chain for a profile or role",
    secret: true,
    unlessChain: true,
    unlessLocal: true,
  },
  secretAccessKey: {
    option: "s3.secretAccessKey",
    env: ["AWS_SECRET_ACCESS_KEY", "STORAGE_S3_SECRET_ACCESS_KEY"],
    schema: text,
    to: "the access key's secret",
    secret: true,
    unlessChain: true,
    unlessLocal: true,
  },
  credentials: {
    option: "s3.credentials",
    env: ["S3_CREDENTIALS"],
    schema: oneOf(["keys", "chain"]).default("keys"),
    to: "keys, or chain for a profile, web identity, container or instance role",
  },
  sessionToken: {
    option: "s3.sessionToken",
    env: ["AWS_SESSION_TOKEN"],
    schema: text.optional(),
    to: "the session token of temporary credentials",
    secret: true,
  },
  endpoint: {
    option: "s3.endpoint",
    env: ["S3_ENDPOINT_URL", "STORAGE_S3_ENDPOINT_URL"],
    schema: address.optional(),
    to: "the store's URL, or leave it unset for AWS",
  },
  forcePathStyle: {
    option: "s3.forcePathStyle",
    env: ["S3_FORCE_PATH_STYLE"],
    schema: flag.optional(),
    to: "true or false",
  },
  kmsKeyId: {
    option: "s3.kmsKeyId",
    env: ["S3_KMS_KEY_ID"],
    schema: text.optional(),
    to: "a KMS key's id or ARN",
  },
  acl: {
    option: "s3.acl",
    env: ["S3_ACL"],
    schema: oneOf(CANNED_ACLS).optional(),
    to: "a canned ACL, or leave it unset where the bucket has ACLs off",
  },
  publicBaseUrl: {
    option: "s3.publicBaseUrl",
    env: ["S3_PUBLIC_BASE_URL"],
    schema: address.optional(),
    to: "the public URL in front of the bucket, or leave it unset for presigned URLs",
  },
  presignSeconds: {
    option: "s3.presignSeconds",
    env: ["S3_PRESIGN_EXPIRATION", "S3_PRESIGNED_URL_EXPIRY"],
    schema: count(60, MAX_PRESIGN_SECONDS).default(DEFAULT_PRESIGN_SECONDS),
    to: "seconds, 60 to 604800",
  },
  maxConcurrency: {
    option: "s3.maxConcurrency",
    env: ["S3_MAX_CONCURRENCY"],
    schema: count(1, 256).default(64),
    to: "a number of parallel requests, 1 to 256",
  },
  maxAttempts: {
    option: "s3.maxAttempts",
    env: ["S3_MAX_ATTEMPTS"],
    schema: count(1, 20).default(10),
    to: "attempts of a single request, 1 to 20",
  },
  multipartThreshold: {
    option: "s3.multipartThreshold",
    env: [{ name: "S3_MULTIPART_THRESHOLD_MB", times: MIB, to: "MiB, 5 to 5120" }, "S3_MULTIPART_THRESHOLD"],
    schema: count(MIN_PART_BYTES, MAX_SINGLE_PUT_BYTES).default(DEFAULT_MULTIPART_THRESHOLD_BYTES),
    to: `bytes, ${MIN_PART_BYTES} to ${MAX_SINGLE_PUT_BYTES}`,
  },
  signParts: {
    option: "s3.signParts",
    env: ["S3_SIGN_PARTS"],
    schema: oneOf(["auto", "always", "never"]).default("auto"),
    to: "auto, always or never",
  },
  storageType: {
    option: "storageType",
    env: ["STORAGE_TYPE"],
    schema: z
      .preprocess(
        (value) => (typeof value === "string" ? value.toUpperCase() : value),
        oneOf(["S3", "LOCAL"]),
      )
      .default("S3"),
    to: "S3 or LOCAL",
  },
  s3MaxBytes: {
    option: "s3.maxBytes",
    env: [
      { name: "STORAGE_S3_MAX_SIZE_GB", times: GIB, to: "GiB, more than 0, or leave it unset for no limit" },
    ],
    schema: count(1).optional(),
    to: "bytes, 1 or more, or leave it unset for no limit",
  },
  localDir: {
    option: "local.dir",
    env: ["STORAGE_LOCAL_DIR", "STORAGE_LOCAL_PATH"],
    schema: text.default(".reelsync/storage"),
    to: "a writable folder",
  },
  localMaxBytes: {
    option: "local.maxBytes",
    env: [
      {
        name: "STORAGE_LOCAL_MAX_SIZE_GB",
        times: GIB,
        to: "GiB, more than 0, or leave it unset for no limit",
      },
    ],
    schema: count(1).optional(),
    to: "bytes, 1 or more, or leave it unset for no limit",
  },
  localBaseUrl: {
    option: "local.baseUrl",
    env: ["STORAGE_LOCAL_BASE_URL"],
    schema: address.optional(),
    to: "where the folder is served, e.g. http://127.0.0.1:9010",
  },
  localSigningKey: {
    option: "local.signingKey",
    env: ["STORAGE_LOCAL_SIGNING_KEY"],
    schema: text.min(16, "expected at least 16 characters").optional(),
    to: "the secret that signs URLs of local files, at least 16 characters",
    secret: true,
  },
  ingestAllowHosts: {
    option: "ingestAllowHosts",
    env: ["REELSYNC_INGEST_ALLOW_HOSTS"],
    schema: hosts.default([]),
    to: "host names, or host:port, separated by commas",
  },
  timeoutMs: {
    option: "timeoutMs",
    env: ["REELSYNC_TIMEOUT_MS"],
    schema: count(SECOND).default(15 * MINUTE),
    to: "milliseconds, at least 1000",
  },
  deadLetterDir: {
    option: "deadLetterDir",
    env: ["REELSYNC_DEAD_LETTER_DIR"],
    schema: text.default(".reelsync/dead-letters"),
    to: "a writable folder",
  },
  uploadOnWrite: {
    option: "uploadOnWrite",
    env: ["S3_UPLOAD_ON_WRITE"],
    schema: flag.default(true),
    to: "true, or false to send what is watched at the end",
  },
  journalDir: {
    option: "journalDir",
    env: ["REELSYNC_JOURNAL_DIR"],
    schema: text.default(".reelsync/journal"),
    to: "a writable folder on a disk of this machine",
  },
  rollout: {
    option: "rollout",
    env: ["REELSYNC_ROLLOUT"],
    schema: oneOf(ROLLOUT_STAGES).optional(),
    to: `${ROLLOUT_STAGES.join(", ")}, or leave it unset to follow the deployment`,
  },
  mode: {
    option: "mode",
    env: ["REELSYNC_MODE"],
    schema: oneOf(["queue", "strict"]).default("queue"),
    to: "queue or strict",
  },
  ...STAGE_SETTINGS,
} satisfies Record<string, Setting>;
