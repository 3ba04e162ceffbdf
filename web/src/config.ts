/** What a deployment tells the app at run time, so that one bundle serves any of them. */
export interface RuntimeConfig {
  convexUrl: string;
  oidc: { authority: string; clientId: string };
}

export class ConfigError extends Error {
  readonly faults: string[];

  constructor(faults: string[]) {
    super(`the runtime configuration is not usable: ${faults.join("; ")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

export async function loadConfig(): Promise<RuntimeConfig> {
  let found: unknown;
  try {
    const response = await fetch("/config.json", { cache: "no-store" });
    const body: unknown = await response.json();
    if (!response.ok) throw new ConfigError(missingNames(body));
    found = body;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(["/config.json is missing or is not JSON"]);
  }
  return parseConfig(found);
}

function missingNames(body: unknown): string[] {
  const missing = isRecord(body) ? body["missing"] : undefined;
  return Array.isArray(missing)
    ? missing.map((name) => `${String(name)} is not set`)
    : ["/config.json is missing"];
}

/** Names every fault at once. */
export function parseConfig(found: unknown): RuntimeConfig {
  const faults: string[] = [];
  const root = isRecord(found) ? found : {};
  const oidc = isRecord(root["oidc"]) ? root["oidc"] : {};
  const convexUrl = url(root["convexUrl"], "convexUrl", faults);
  const authority = url(oidc["authority"], "oidc.authority", faults);
  const clientId = oidc["clientId"];
  if (typeof clientId !== "string" || clientId === "") faults.push("oidc.clientId is not a name");
  if (faults.length > 0) throw new ConfigError(faults);
  return { convexUrl, oidc: { authority, clientId: clientId as string } };
}

function url(value: unknown, name: string, faults: string[]): string {
  if (typeof value === "string" && URL.canParse(value)) return value;
  faults.push(`${name} is not a URL`);
  return "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
