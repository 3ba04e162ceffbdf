/** What the environment says: what is missing or wrong, which names are in force, and where two names disagree. */
import { keepsLocally, readSettings } from "../../read-settings.ts";
import { misspeltNames } from "../../misspelt-names.ts";
import { variableName, type Setting } from "../../setting.ts";
import { SETTINGS } from "../../settings.ts";
import { withoutLogin } from "../../without-login.ts";
import { OWN, readOwn } from "../settings.ts";
import { fail, ok, warn, type Check } from "./check.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What only a bucket has. */
const OF_BUCKETS: ReadonlySet<Setting> = new Set<Setting>([
  SETTINGS.bucket,
  SETTINGS.region,
  SETTINGS.accessKeyId,
  SETTINGS.secretAccessKey,
  SETTINGS.credentials,
  SETTINGS.sessionToken,
  SETTINGS.endpoint,
  SETTINGS.forcePathStyle,
  SETTINGS.kmsKeyId,
  SETTINGS.acl,
  SETTINGS.publicBaseUrl,
  SETTINGS.s3MaxBytes,
  SETTINGS.signParts,
]);

export function checkEnvironment(env: Env): Check[] {
  const wrong = wrongVariables(env);
  return [
    ...faults(env),
    ...misspeltNames([SETTINGS, OWN], env).map(({ name, meant }) =>
      warn(
        "variable",
        `${name} is read by nobody`,
        `${meant} may be meant`,
        `unset ${name}  # or name it ${meant}`,
      ),
    ),
    ...[...Object.values(SETTINGS), OWN.basePrefix].flatMap((setting) => inForce(setting, env, wrong)),
  ];
}

/** Set to what they cannot be; of these settings, or of all. */
export function wrongVariables(
  env: Env,
  names = Object.keys(SETTINGS) as (keyof typeof SETTINGS)[],
): ReadonlySet<string> {
  const table = Object.fromEntries(names.map((name) => [name, SETTINGS[name]]));
  const found = readSettings(table, {}, env).faults;
  return new Set(found.flatMap((text) => /^(\S+) is wrong/.exec(text)?.[1] ?? []));
}

function faults(env: Env): Check[] {
  const told = [...readSettings(SETTINGS, {}, env).faults, ...readOwn(env).faults];
  const found = told.map((text) => {
    const [fact = text, remedy = ""] = text.split(": set it to ");
    const name = /^\S+/.exec(fact)?.[0] ?? "";
    return fail("variable", fact, "Commands that need it refuse to start", `export ${name}=…  # ${remedy}`);
  });
  // These depend on others, so the table alone does not call for them.
  if (unset(env, "REELSYNC_AGENT_KEY")) {
    found.push(
      warn(
        "variable",
        "REELSYNC_AGENT_KEY is missing",
        "Uploading needs an agent key",
        "export REELSYNC_AGENT_KEY=$(reelsync token create --name NAME --tenant SLUG)",
      ),
    );
  }
  const derivesNoSite = !unset(env, "CONVEX_URL") && !/\.convex\.cloud\/?$/.test(env["CONVEX_URL"] ?? "");
  if (unset(env, "CONVEX_SITE_URL") && derivesNoSite) {
    found.push(
      fail(
        "variable",
        "CONVEX_SITE_URL is missing",
        "It follows from CONVEX_URL for *.convex.cloud only",
        "export CONVEX_SITE_URL=…  # the URL of the deployment's HTTP actions",
      ),
    );
  }
  if (keepsLocally({}, env)) return found;
  const regions = SETTINGS.region.env;
  if (regions.every((name) => unset(env, name)) && SETTINGS.endpoint.env.every((name) => unset(env, name))) {
    found.push(fail("variable", "AWS_REGION is missing", "AWS is asked by region", "export AWS_REGION=…"));
  }
  return found;
}

function unset(env: Env, name: string): boolean {
  return (env[name] ?? "").trim() === "";
}

/** The first name that is set counts; another one with another value is a trap. */
function inForce(setting: Setting, env: Env, wrong: ReadonlySet<string>): Check[] {
  const names = setting.env.map(variableName);
  const [canonical = ""] = names;
  const set = names.filter((name) => !unset(env, name));
  const [used, ...others] = set;
  if (used === undefined) return [];
  const isSecret = setting.secret === true;
  const value = (name: string) => (isSecret ? masked(env[name] ?? "") : withoutLogin(env[name] ?? ""));
  const found = `${used}=${value(used)}${used === canonical ? "" : ` (alias of ${canonical})`}`;
  if (keepsLocally({}, env) && OF_BUCKETS.has(setting)) {
    return [ok("variable", `${found}, not used with STORAGE_TYPE=LOCAL`)];
  }
  const odd = others.find((name) => env[name]?.trim() !== env[used]?.trim());
  // What is wrong with a value is said already.
  if (odd === undefined) return wrong.has(used) ? [] : [ok("variable", found)];
  return [warn("variable", found, `${odd}=${value(odd)} says otherwise and is not used`, `unset ${odd}`)];
}

/** What doctor says is pasted into tickets, so not even the first characters: the length shows a cut or doubled paste. */
function masked(secret: string): string {
  return `… (${secret.length} characters)`;
}
