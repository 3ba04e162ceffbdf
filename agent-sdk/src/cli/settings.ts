/**
 * The parts of the configuration each kind of command needs, so that nobody has to set what is not used: listing asks
 * for no bucket, preparing a bucket asks for no deployment. Values, defaults and faults are those of the SDK.
 */
import * as z from "zod";
import { loadConfig, type Config, type S3Config } from "../config.ts";
import { ReelsyncError } from "../errors.ts";
import { LOG_LEVELS, type LogLevel } from "../log/json-logger.ts";
import { readSettings } from "../read-settings.ts";
import { asFolder, count, variableName, type Setting } from "../setting.ts";
import { SETTINGS } from "../settings.ts";
import { STAGE_SETTINGS, tempFolderFaults } from "../stage-folders.ts";
import { UsageError } from "./exit-code.ts";

type Env = Readonly<Record<string, string | undefined>>;

const secret = { schema: z.string().optional(), secret: true } as const;

/** Variables that only this program reads. */
export const OWN = {
  token: { env: ["REELSYNC_TOKEN"], to: "an OIDC id token of yours", ...secret },
  adminKey: {
    env: ["CONVEX_SELF_HOSTED_ADMIN_KEY", "CONVEX_DEPLOY_KEY"],
    to: "the deployment's admin or deploy key",
    ...secret,
  },
  serveToken: {
    env: ["REELSYNC_SERVE_TOKEN"],
    schema: z.string().min(16, "expected at least 16 characters").optional(),
    secret: true,
    to: "a long random text, or leave it unset for a new one at each start",
  },
  operatorUrl: {
    env: ["CONVEX_SELF_HOSTED_URL", "CONVEX_URL"],
    schema: SETTINGS.convexUrl.schema.optional(),
    to: SETTINGS.convexUrl.to,
  },
  basePrefix: {
    env: ["S3_BASE_PREFIX", "S3_VIDEO_PREFIX"],
    schema: z.string().default("").transform(asFolder),
    to: "the prefix of all object keys",
  },
  logLevel: {
    env: ["REELSYNC_LOG"],
    schema: z.enum(LOG_LEVELS).optional(),
    to: LOG_LEVELS.join(", "),
  },
  tempHours: {
    env: ["S3_CLEANUP_TEMP_HOURS"],
    schema: count(0).default(24),
    to: "the hours after which temporary objects are old, 0 or more",
  },
  ...STAGE_SETTINGS,
} as const;

// Not an interface: that would not satisfy a Record.
type Own = {
  token?: string;
  adminKey?: string;
  serveToken?: string;
  logLevel?: LogLevel;
  operatorUrl?: string;
  basePrefix: string;
  tempHours: number;
} & Record<keyof typeof STAGE_SETTINGS, string>;

/** With the faults, for whoever tells of them and goes on. */
export function readOwn(env: Env): { values: Partial<Own>; faults: string[] } {
  const { values, faults } = readSettings<Own>(OWN, {}, env);
  return { values, faults: [...faults, ...tempFolderFaults(values)] };
}

export function ownSettings(env: Env): Own {
  const { values, faults } = readOwn(env);
  if (faults.length > 0) throw new ReelsyncError("CONFIG_INVALID", faults.join("; "));
  // Complete, as nothing was at fault.
  return values as Own;
}

type SettingName = keyof typeof SETTINGS;

/** What names the agent and the deployment. */
const OF_AGENTS = [
  "convexUrl",
  "convexSiteUrl",
  "agentKey",
  "agentName",
  "deadLetterDir",
  "storageType",
] as const satisfies SettingName[];

/** What a request to the bucket depends on. */
export const OF_REQUESTS: SettingName[] = [
  "bucket",
  "region",
  "accessKeyId",
  "secretAccessKey",
  "credentials",
  "sessionToken",
  "endpoint",
  "forcePathStyle",
  "kmsKeyId",
  "acl",
  "publicBaseUrl",
  "maxAttempts",
];

/** A fault in a variable that a command does not use is no reason to refuse it. */
function only(env: Env, names: readonly SettingName[]): Env {
  const variables = names.flatMap((name) => (SETTINGS[name] as Setting).env.map(variableName));
  return Object.fromEntries(variables.map((name) => [name, env[name]]));
}

const NO_STORE = { bucket: "-", region: "-", accessKeyId: "-", secretAccessKey: "-" };
const NO_DEPLOYMENT = { convexUrl: "http://unused.invalid", agentToken: async () => "" };

export type AgentSettings = Pick<Config, ((typeof OF_AGENTS)[number] & keyof Config) | "auth">;

/** Who the agent is and where the deployment; of the bucket, nothing. */
export function agentSettings(env: Env): AgentSettings {
  return loadConfig({ env: only(env, OF_AGENTS), s3: NO_STORE });
}

/** Where the bucket is; of the deployment, nothing. */
export function storeSettings(env: Env): S3Config {
  return loadConfig({ env: only(env, OF_REQUESTS), storageType: "S3", ...NO_DEPLOYMENT }).s3;
}

/** Where this machine's journal is; of the rest, nothing. */
export function journalDirOf(env: Env): string {
  return loadConfig({ env: only(env, ["journalDir"]), s3: NO_STORE, ...NO_DEPLOYMENT }).journalDir;
}

/** A person's token and where to use it. */
export function personSettings(env: Env): { convexUrl: string; token: string } {
  const { token } = ownSettings(env);
  if (token === undefined) {
    throw new ReelsyncError("UNAUTHENTICATED", "This is done by a person, and REELSYNC_TOKEN is not set", {
      hint: "Set REELSYNC_TOKEN to an OIDC id token of yours; an agent key does not cover this.",
    });
  }
  const { convexUrl } = loadConfig({
    env: only(env, ["convexUrl"]),
    agentToken: async () => token,
    s3: NO_STORE,
  });
  return { convexUrl, token };
}

export function hasAgentKey(env: Env): boolean {
  return (env["REELSYNC_AGENT_KEY"] ?? "").trim() !== "";
}

export function operatorSettings(env: Env): { url: string; adminKey: string } {
  const { operatorUrl, adminKey } = ownSettings(env);
  if (operatorUrl !== undefined && adminKey !== undefined) return { url: operatorUrl, adminKey };
  const missing = [
    ...(operatorUrl === undefined ? ["CONVEX_SELF_HOSTED_URL or CONVEX_URL"] : []),
    ...(adminKey === undefined ? ["CONVEX_SELF_HOSTED_ADMIN_KEY or CONVEX_DEPLOY_KEY"] : []),
  ];
  throw new UsageError(
    `Only an operator may do this, and ${missing.join(" and ")} is not set`,
    "Set it to what the deployment's dashboard, or the one who runs it, gives you.",
  );
}
