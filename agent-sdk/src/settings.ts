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
import { withoutLogin } from "./without-login.ts";

interface Setting {
  /** Canonical name first, then aliases. `times` is for a variable in another unit. */
  env: readonly [Variable, ...Variable[]];
  schema: z.ZodType;
  /** Ends the sentence "set it to …". */
  to: string;
  /** A wrong value is quoted in the message, unless it is one of these. */
  secret?: true;
  /** Need not be set where the AWS SDK finds credentials by itself (`S3_CREDENTIALS=chain`). */
  unlessChain?: true;
  /** Need not be set where files are kept in a folder (`STORAGE_TYPE=LOCAL`). */
  unlessLocal?: true;
}

type Variable = string | { name: string; times: number };

const text = z.string().trim().min(1);
const count = z.coerce.number("expected a number").int();
const address = z.url({ protocol: /^https?$/, error: "expected a http(s) URL" });
/** A list as an option, text with commas as a variable. */
const hosts = z.preprocess(
  (value) =>
    typeof value === "string"
      ? value
          .split(",")
          .map((host) => host.trim())
          .filter((host) => host !== "")
      : value,
  z.array(z.string().regex(/^[^\s/@]+$/, "expected names without scheme or path")),
);
const flag = z.union([z.boolean(), z.stringbool()], "expected true or false");

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
    env: ["CONVEX_URL"],
    schema: address,
    to: "the deployment's URL, e.g. https://happy-cat-123.convex.cloud",
  },
  convexSiteUrl: {
    env: ["CONVEX_SITE_URL"],
    schema: address.optional(),
    to: "the URL of the deployment's HTTP actions",
  },
  agentKey: {
    env: ["REELSYNC_AGENT_KEY"],
    schema: text.optional(),
    to: "an agent key (rsk_…)",
    secret: true,
  },
  agentName: {
    env: ["REELSYNC_AGENT_NAME"],
    schema: text.max(200).optional(),
    to: "a name for this machine",
  },
  bucket: {
    env: ["S3_BUCKET", "S3_BUCKET_NAME", "STORAGE_S3_BUCKET"],
    schema: text,
    to: "the bucket's name",
    unlessLocal: true,
  },
  region: {
    env: ["AWS_REGION", "AWS_DEFAULT_REGION", "STORAGE_S3_REGION"],
    schema: text.optional(),
    to: "the bucket's region",
  },
  accessKeyId: {
    env: ["AWS_ACCESS_KEY_ID", "STORAGE_S3_ACCESS_KEY_ID"],
    schema: text,
    to: "the access key's id, or S3_CREDENTIALS to chain for a profile or role",
    secret: true,
    unlessChain: true,
    unlessLocal: true,
  },
  secretAccessKey: {
    env: ["AWS_SECRET_ACCESS_KEY", "STORAGE_S3_SECRET_ACCESS_KEY"],
    schema: text,
    to: "the access key's secret",
    secret: true,
    unlessChain: true,
    unlessLocal: true,
  },
  credentials: {
    env: ["S3_CREDENTIALS"],
    schema: z.enum(["keys", "chain"], "expected keys or chain").default("keys"),
    to: "keys, or chain for a profile, web identity, container or instance role",
  },
  sessionToken: {
    env: ["AWS_SESSION_TOKEN"],
    schema: text.optional(),
    to: "the session token of temporary credentials",
    secret: true,
  },
  endpoint: {
    env: ["S3_ENDPOINT_URL", "STORAGE_S3_ENDPOINT_URL"],
    schema: address.optional(),
    to: "the store's URL, or leave it unset for AWS",
  },
  forcePathStyle: { env: ["S3_FORCE_PATH_STYLE"], schema: flag.optional(), to: "true or false" },
  kmsKeyId: { env: ["S3_KMS_KEY_ID"], schema: text.optional(), to: "a KMS key's id or ARN" },
  acl: {
    env: ["S3_ACL"],
    schema: z.enum(CANNED_ACLS, `expected one of ${CANNED_ACLS.join(", ")}`).optional(),
    to: "a canned ACL, or leave it unset where the bucket has ACLs off",
  },
  publicBaseUrl: {
    env: ["S3_PUBLIC_BASE_URL"],
    schema: address.optional(),
    to: "the public URL in front of the bucket, or leave it unset for presigned URLs",
  },
  presignSeconds: {
    env: ["S3_PRESIGN_EXPIRATION", "S3_PRESIGNED_URL_EXPIRY"],
    schema: count.min(60).max(MAX_PRESIGN_SECONDS).default(DEFAULT_PRESIGN_SECONDS),
    to: "seconds, 60 to 604800",
  },
  maxConcurrency: {
    env: ["S3_MAX_CONCURRENCY"],
    schema: count.min(1).max(256).default(64),
    to: "a number of parallel requests, 1 to 256",
  },
  maxAttempts: {
    env: ["S3_MAX_ATTEMPTS"],
    schema: count.min(1).max(20).default(10),
    to: "attempts of a single request, 1 to 20",
  },
  multipartThreshold: {
    env: [{ name: "S3_MULTIPART_THRESHOLD_MB", times: MIB }, "S3_MULTIPART_THRESHOLD"],
    schema: count.min(MIN_PART_BYTES).max(MAX_SINGLE_PUT_BYTES).default(DEFAULT_MULTIPART_THRESHOLD_BYTES),
    to: "MiB, 5 to 5120",
  },
  signParts: {
    env: ["S3_SIGN_PARTS"],
    schema: z.enum(["auto", "always", "never"], "expected auto, always or never").default("auto"),
    to: "auto, always or never",
  },
  storageType: {
    env: ["STORAGE_TYPE"],
    schema: z
      .preprocess(
        (value) => (typeof value === "string" ? value.toUpperCase() : value),
        z.enum(["S3", "LOCAL"], "expected S3 or LOCAL"),
      )
      .default("S3"),
    to: "S3 or LOCAL",
  },
  s3MaxBytes: {
    env: [{ name: "STORAGE_S3_MAX_SIZE_GB", times: GIB }],
    schema: count.min(1).optional(),
    to: "GiB, or leave it unset for no limit",
  },
  localDir: {
    env: ["STORAGE_LOCAL_DIR", "STORAGE_LOCAL_PATH"],
    schema: text.default(".reelsync/storage"),
    to: "a writable folder",
  },
  localMaxBytes: {
    env: [{ name: "STORAGE_LOCAL_MAX_SIZE_GB", times: GIB }],
    schema: count.min(1).optional(),
    to: "GiB, or leave it unset for no limit",
  },
  localBaseUrl: {
    env: ["STORAGE_LOCAL_BASE_URL"],
    schema: address.optional(),
    to: "where the folder is served, e.g. http://127.0.0.1:9010",
  },
  localSigningKey: {
    env: ["STORAGE_LOCAL_SIGNING_KEY"],
    schema: text.min(16, "expected at least 16 characters").optional(),
    to: "the secret that signs URLs of local files, at least 16 characters",
    secret: true,
  },
  ingestAllowHosts: {
    env: ["REELSYNC_INGEST_ALLOW_HOSTS"],
    schema: hosts.default([]),
    to: "host names, or host:port, separated by commas",
  },
  timeoutMs: {
    env: ["REELSYNC_TIMEOUT_MS"],
    schema: count.min(SECOND).default(15 * MINUTE),
    to: "milliseconds, at least 1000",
  },
  deadLetterDir: {
    env: ["REELSYNC_DEAD_LETTER_DIR"],
    schema: text.default(".reelsync/dead-letters"),
    to: "a writable folder",
  },
  uploadOnWrite: {
    env: ["S3_UPLOAD_ON_WRITE"],
    schema: flag.default(true),
    to: "true, or false to send what is watched at the end",
  },
  journalDir: {
    env: ["REELSYNC_JOURNAL_DIR"],
    schema: text.default(".reelsync/journal"),
    to: "a writable folder on a disk of this machine",
  },
  rollout: {
    env: ["REELSYNC_ROLLOUT"],
    schema: z.enum(ROLLOUT_STAGES, `expected one of ${ROLLOUT_STAGES.join(", ")}`).optional(),
    to: `${ROLLOUT_STAGES.join(", ")}, or leave it unset to follow the deployment`,
  },
  mode: {
    env: ["REELSYNC_MODE"],
    schema: z.enum(["queue", "strict"], 'expected "queue" or "strict"').default("queue"),
    to: "queue or strict",
  },
} satisfies Record<string, Setting>;

export interface ReadSettings<T> {
  values: Partial<T>;
  faults: string[];
}

/** Collects every fault, each by the name its reader would use. */
export function readSettings<T extends Record<string, unknown>>(
  table: Record<keyof T & string, Setting>,
  options: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): ReadSettings<T> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  const isLocal = keepsLocally(options, env);
  for (const [name, setting] of Object.entries<Setting>(table)) {
    const { value, source } = find(name, setting, options, env);
    if (value === undefined && setting.unlessChain && usesChain(options, env)) continue;
    if (value === undefined && isLocal && setting.unlessLocal) continue;
    const parsed = setting.schema.safeParse(value);
    if (parsed.success) values[name] = parsed.data;
    else faults.push(`${source} ${fault(value, setting, parsed.error)}: set it to ${setting.to}`);
  }
  return { values: values as Partial<T>, faults };
}

function usesChain(
  options: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return find("credentials", SETTINGS.credentials, options, env).value === "chain";
}

export function keepsLocally(
  options: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const { value } = find("storageType", SETTINGS.storageType, options, env);
  return typeof value === "string" && value.toUpperCase() === "LOCAL";
}

function fault(value: unknown, setting: Setting, error: z.ZodError): string {
  if (value === undefined) return "is missing";
  const why = error.issues.map(({ message }) => message).join(", ");
  return setting.secret ? `is wrong (${why})` : `is wrong (${withoutLogin(JSON.stringify(value))}: ${why})`;
}

/** An empty variable counts as unset: that is what `NAME=` in an env file means to people. */
function find(
  name: string,
  setting: Setting,
  options: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): { value: unknown; source: string } {
  if (options[name] !== undefined) return { value: options[name], source: `option ${name}` };
  for (const variable of setting.env) {
    const source = variableName(variable);
    const raw = env[source]?.trim();
    if (raw === undefined || raw === "") continue;
    return { value: typeof variable === "string" ? raw : scaled(raw, variable.times), source };
  }
  return { value: undefined, source: variableName(setting.env[0]) };
}

/** What is no number stays as it was written, so that the message quotes that. */
function scaled(raw: string, times: number): number | string {
  const value = Number(raw);
  return Number.isNaN(value) ? raw : Math.round(value * times);
}

function variableName(variable: Variable): string {
  return typeof variable === "string" ? variable : variable.name;
}
