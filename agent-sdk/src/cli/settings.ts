/**
 * The parts of the configuration each kind of command needs, so that nobody has to set what is not used: listing asks
 * for no bucket, preparing a bucket asks for no deployment. Values, defaults and faults are those of the SDK.
 */
import * as z from "zod";
import { loadConfig, type Config, type S3Config } from "../config.ts";
import { ReelsyncError } from "../errors.ts";
import { LOG_LEVELS, type LogLevel } from "../log/json-logger.ts";
import { readSettings } from "../read-settings.ts";
import { asFolder, count } from "../setting.ts";
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

export function ownSettings(env: Env): Own {
  const { values, faults } = readSettings<Own>(OWN, {}, env);
  faults.push(...tempFolderFaults(values));
  if (faults.length > 0) throw new ReelsyncError("CONFIG_INVALID", faults.join("; "));
  // Complete, as nothing was at fault.
  return values as Own;
}

export type AgentSettings = Omit<Config, "s3">;

/** Who the agent is and where the deployment; of the bucket, nothing. */
export function agentSettings(env: Env): AgentSettings {
  return loadConfig({ env, s3: { bucket: "-", region: "-", accessKeyId: "-", secretAccessKey: "-" } });
}

/** Where the bucket is; of the deployment, nothing. */
export function storeSettings(env: Env): S3Config {
  return loadConfig({
    env,
    storageType: "S3",
    convexUrl: "http://unused.invalid",
    agentToken: async () => "",
  }).s3;
}

/** Where this machine's journal is; of the rest, nothing. */
export function journalDirOf(env: Env): string {
  const unused = { convexUrl: "http://unused.invalid", agentToken: async () => "" };
  const s3 = { bucket: "-", region: "-", accessKeyId: "-", secretAccessKey: "-" };
  return loadConfig({ env, s3, ...unused }).journalDir;
}

/** A person's token and where to use it. */
export function personSettings(env: Env): { convexUrl: string; token: string } {
  const { token } = ownSettings(env);
  if (token === undefined) {
    throw new ReelsyncError(
      "UNAUTHENTICATED",
      "This is done by a person: set REELSYNC_TOKEN to an OIDC id token of yours",
    );
  }
  const { convexUrl } = loadConfig({
    env,
    agentToken: async () => token,
    s3: { bucket: "-", region: "-", accessKeyId: "-", secretAccessKey: "-" },
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
