/**
 * What commands against the stack need, as files for `--dotenv`: `agent.env` is an agent's environment, `admin.env` has a
 * token of the studio's owner and the operator's key. Both are made anew at each start, and only their user reads them.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PEOPLE, type ReelsyncStack } from "./stack.ts";

/** Of a development sign-in, for this machine alone: long enough not to be in the way. */
const TOKEN_SECONDS = 30 * 24 * 60 * 60;

export interface EnvFiles {
  agent: string;
  admin: string;
  /** Whose token it is. */
  owner: string;
}

export async function writeEnvFiles(
  { agentEnv, local, tokenFor }: Pick<ReelsyncStack, "agentEnv" | "local" | "tokenFor">,
  folder: string,
): Promise<EnvFiles> {
  const [owner] = PEOPLE;
  const { url, adminKey } = local.deployment;
  const files = { agent: join(folder, "agent.env"), admin: join(folder, "admin.env"), owner: owner.name };
  await writeFile(files.agent, asText(agentEnv), { mode: 0o600 });
  const admin = {
    CONVEX_URL: url,
    REELSYNC_TOKEN: await tokenFor(owner.subject, { ttlSeconds: TOKEN_SECONDS }),
    CONVEX_SELF_HOSTED_URL: url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
  };
  await writeFile(files.admin, asText(admin), { mode: 0o600 });
  return files;
}

/** Quoted, so that a shell can read it too. */
function asText(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join("");
}
