/**
 * The only reader of the environment. Options win over variables, a variable's canonical name wins over its aliases;
 * everything is parsed once, all faults are reported together, and what comes out is frozen and complete.
 */
import type * as z from "zod";
import type { StageFolders } from "../../contract/key-layouts.ts";
import type { RolloutStage } from "../../contract/rollout.ts";
import { ReelsyncError } from "./errors.ts";
import { JOURNAL_SETTINGS, RETRY_SETTINGS } from "./call-limits.ts";
import { optionFaults } from "./option-names.ts";
import { readSettings } from "./read-settings.ts";
import { transportWithin, type RetryPolicy } from "./resilience/retry.ts";
import type { Setting } from "./setting.ts";
import { SETTINGS, type CannedAcl } from "./settings.ts";
import { stageFolders, tempFolderFaults } from "./stage-folders.ts";

type Values<Table extends Record<string, { schema: z.ZodType }>> = {
  [Name in keyof Table]: z.infer<Table[Name]["schema"]>;
};
type Settings = Values<typeof SETTINGS>;

export interface S3Options {
  bucket?: string;
  region?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  /** `chain`: not these keys but what the AWS SDK finds: a profile, web identity, container or instance role. */
  credentials?: "keys" | "chain";
  endpoint?: string;
  forcePathStyle?: boolean;
  kmsKeyId?: string;
  /** Canned ACL of every object; none unless set. */
  acl?: CannedAcl;
  publicBaseUrl?: string;
  presignSeconds?: number;
  maxConcurrency?: number;
  maxAttempts?: number;
  /** Bytes from which on a file goes up in parts. */
  multipartThreshold?: number;
  /**
   * Whether each part of a large file is signed with its own SHA-256, which the store then checks: `auto` unless set,
   * which is where no TLS guards the bytes on their way. It costs client and store a hash of every byte.
   */
  signParts?: SignParts;
  /** Most bytes the bucket may hold before an upload is refused; no limit unless set. */
  maxBytes?: number;
}

export interface LocalStorageOptions {
  /** The folder of the key tree, `.reelsync/storage` unless set. */
  dir?: string;
  /** Most bytes it may hold; no limit unless set. */
  maxBytes?: number;
  /** Where the folder is served, and the secret its URLs are signed with: the deployment's own values. */
  baseUrl?: string;
  signingKey?: string;
}

export type SignParts = "auto" | "always" | "never";

export type Mode = "queue" | "strict";

export interface JournalOptions {
  /** Most uploads the journal holds, those on their way included (10,000 unless set). */
  maxEntries?: number;
  /** Most bytes of Buffers and streams it holds (10 GiB unless set); files are not copied. */
  maxBytes?: number;
  /** How long a call waits for room before it fails with JOURNAL_FULL (10 s unless set). */
  waitForRoomMs?: number;
  /** An upload that could not be sent for this long, or this often, becomes a dead letter (7 days, 10,000 times unless set). */
  maxAgeMs?: number;
  maxAttempts?: number;
}

export interface ReelsyncOptions {
  convexUrl?: string;
  convexSiteUrl?: string;
  agentKey?: string;
  /** Instead of an agent key: returns a token minted elsewhere. Asked again when one is refused. */
  agentToken?: () => Promise<string>;
  /** Names this machine on dead letters, so that a replay reaches the one that holds the file. The host's name unless set. */
  agentName?: string;
  s3?: S3Options;
  /** Where bytes are kept: the bucket (`S3`, the default), or a folder of this machine (`LOCAL`). */
  storageType?: "S3" | "LOCAL";
  local?: LocalStorageOptions;
  /** Folders of the older key layout `stages`, as `backfill` finds them; `videos/`, `temp/` … unless set. */
  stages?: Partial<StageFolders>;
  /** Where letters wait while Convex is unreachable, and the bytes of parked Buffers and streams. */
  deadLetterDir?: string;
  /**
   * What an upload answers while S3 or Convex is down: `queue` (the default) keeps it in the journal and answers `queued`;
   * `strict` throws, and leaves a dead letter.
   */
  mode?: Mode;
  /** Rollout stage of this machine; wins over what admins set for the tenant or project. */
  rollout?: RolloutStage;
  /** Where uploads on their way and queued ones are kept. */
  journalDir?: string;
  /** Whether a watched folder's files go up as they are finished (the default), or when the watch is closed. */
  uploadOnWrite?: boolean;
  journal?: JournalOptions;
  /** Hosts (`name` or `name:port`) that `ingestFromUrl` may reach although their address is not a public one. */
  ingestAllowHosts?: readonly string[];
  /** Longest time one upload may take, all retries included. */
  timeoutMs?: number;
  /**
   * How often, and how far apart, a step of an upload is attempted (3 times, 1 s to 60 s, full jitter unless set). The
   * requests of a step are repeated too, up to 10 times each; `baseDelayMs` and `maxDelayMs` bound these waits as well.
   */
  retry?: Partial<RetryPolicy>;
  /** Read instead of `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
}

type AgentAuth =
  | { readonly kind: "key"; readonly key: string; readonly tokenUrl: string }
  | { readonly kind: "token"; readonly fetchToken: () => Promise<string> };

export interface S3Config {
  readonly bucket: string;
  readonly region: string;
  readonly credentials: "keys" | "chain";
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  readonly kmsKeyId: string | undefined;
  readonly acl: CannedAcl | undefined;
  readonly publicBaseUrl: string | undefined;
  readonly presignSeconds: number;
  readonly maxConcurrency: number;
  readonly maxAttempts: number;
  /** Delays between the attempts of a single request. */
  readonly transport: Pick<RetryPolicy, "baseDelayMs" | "maxDelayMs">;
  readonly multipartThreshold: number;
  readonly signsParts: boolean;
  readonly maxBytes: number | undefined;
}

export interface LocalStorageConfig {
  readonly dir: string;
  readonly maxBytes: number | undefined;
  readonly baseUrl: string | undefined;
  readonly signingKey: string | undefined;
  readonly presignSeconds: number;
}

export interface Config {
  readonly convexUrl: string;
  readonly auth: AgentAuth;
  readonly agentName: string | undefined;
  readonly storageType: "S3" | "LOCAL";
  readonly local: LocalStorageConfig;
  /** With `LOCAL` only as complete as the environment is: nothing connects with it then. */
  readonly s3: S3Config;
  /** Of the older layout `stages`, which `backfill` reads. */
  readonly stages: StageFolders;
  readonly deadLetterDir: string;
  readonly mode: Mode;
  readonly rollout: RolloutStage | undefined;
  readonly journalDir: string;
  readonly uploadOnWrite: boolean;
  readonly journal: Readonly<Required<JournalOptions>>;
  readonly ingestAllowHosts: readonly string[];
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** Values that may never appear in a message, a letter or an event. */
  readonly secrets: readonly string[];
}

/** Where credentials are found elsewhere, or files are kept in a folder. */
const NOT_SET = { bucket: "", accessKeyId: "", secretAccessKey: "" };

export function loadConfig(options: ReelsyncOptions = {}): Config {
  const faults = optionFaults(options);
  const given = isObject(options) ? options : {};
  const { agentToken } = given;
  const env = given.env !== undefined && isObject(given.env) ? given.env : process.env;
  const read = <T extends Record<string, unknown>>(table: Record<keyof T & string, Setting>): Partial<T> => {
    const found = readSettings<T>(table, given, env);
    faults.push(...found.faults);
    return found.values;
  };
  const values = read<Settings>(SETTINGS);
  const policy = read<Values<typeof RETRY_SETTINGS>>(RETRY_SETTINGS) as RetryPolicy;
  const journal = read<Values<typeof JOURNAL_SETTINGS>>(JOURNAL_SETTINGS) as Required<JournalOptions>;
  const siteUrl = values.convexSiteUrl ?? siteUrlOf(values.convexUrl);

  if (agentToken === undefined && values.agentKey === undefined) {
    faults.push("REELSYNC_AGENT_KEY is missing: set it to an agent key (rsk_…) from the console");
  }
  if (agentToken === undefined && values.convexUrl !== undefined && siteUrl === undefined) {
    faults.push(
      "CONVEX_SITE_URL is missing: set it to the URL of the deployment's HTTP actions (it follows from CONVEX_URL for *.convex.cloud only)",
    );
  }
  if (values.storageType === "S3" && values.region === undefined && values.endpoint === undefined) {
    faults.push("AWS_REGION is missing: set it to the bucket's region");
  }
  faults.push(...tempFolderFaults(values));
  if (faults.length > 0) throw new ReelsyncError("CONFIG_INVALID", faults.join("; "));

  const {
    convexUrl,
    agentKey,
    agentName,
    deadLetterDir,
    mode,
    rollout,
    journalDir,
    uploadOnWrite,
    ingestAllowHosts,
    timeoutMs,
    storageType,
    localDir,
    localMaxBytes,
    localBaseUrl,
    localSigningKey,
    s3MaxBytes,
    signParts,
    videosFolder,
    transcriptsFolder,
    tempFolder,
    processedFolder,
    ...store
  } = values as Settings;
  return deepFreeze({
    convexUrl: withoutSlash(convexUrl),
    auth:
      agentToken === undefined
        ? { kind: "key", key: agentKey ?? "", tokenUrl: `${withoutSlash(siteUrl ?? "")}/agent/token` }
        : { kind: "token", fetchToken: agentToken },
    agentName,
    storageType,
    local: {
      dir: localDir,
      maxBytes: localMaxBytes,
      baseUrl: localBaseUrl === undefined ? undefined : withoutSlash(localBaseUrl),
      signingKey: localSigningKey,
      presignSeconds: store.presignSeconds,
    },
    s3: {
      ...NOT_SET,
      ...store,
      maxBytes: s3MaxBytes,
      // S3-compatible stores accept any region in a signature; this is the one they document.
      region: store.region ?? "us-east-1",
      // Only AWS itself reliably answers on a host name per bucket.
      forcePathStyle: store.forcePathStyle ?? store.endpoint !== undefined,
      signsParts: signParts === "always" || (signParts === "auto" && !guardedByTls(store.endpoint)),
      transport: transportWithin(policy),
    },
    stages: stageFolders({ videosFolder, transcriptsFolder, tempFolder, processedFolder }),
    deadLetterDir,
    mode,
    rollout,
    journalDir,
    uploadOnWrite,
    journal,
    ingestAllowHosts,
    timeoutMs,
    retry: policy,
    secrets: [agentKey, store.secretAccessKey, store.sessionToken, localSigningKey].filter(
      (value) => value !== undefined,
    ),
  });
}

/** AWS itself is only ever reached over TLS. */
function guardedByTls(endpoint: string | undefined): boolean {
  return endpoint === undefined || endpoint.startsWith("https:");
}

/** JavaScript programs pass what they like. */
function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Convex Cloud serves the HTTP actions of `https://x.convex.cloud` at `https://x.convex.site`. */
function siteUrlOf(convexUrl: string | undefined): string | undefined {
  return convexUrl?.match(/^(https:\/\/[a-z0-9.-]+)\.convex\.cloud\/?$/)?.[1]?.concat(".convex.site");
}

function withoutSlash(address: string): string {
  return address.replace(/\/+$/, "");
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null) deepFreeze(inner as object);
  }
  return Object.freeze(value);
}
