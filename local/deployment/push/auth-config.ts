/** Checks the providers of auth.config, and evaluates it again when a variable it read has changed. */
import * as z from "zod";
import type { AuthProviders } from "../engine.ts";
import { RequestError } from "../engine.ts";
import type { App } from "../runtime/app.ts";
import type { Environment } from "../runtime/environment.ts";
import type { Json } from "../values/json.ts";
import { analyze } from "./analysis.ts";
import { authConfigPath } from "./exports.ts";

const customJwt = z.object({
  type: z.literal("customJwt"),
  issuer: z.string(),
  jwks: z.string(),
  algorithm: z.enum(["RS256", "ES256"]),
  applicationID: z.string().nullish(),
});
const oidc = z.object({ type: z.undefined().optional(), domain: z.string(), applicationID: z.string() });

export function parseProviders(providers: Json[]): AuthProviders {
  const parsed = z.array(z.union([customJwt, oidc])).safeParse(providers);
  if (!parsed.success) {
    throw new RequestError(
      400,
      "InvalidAuthConfig",
      `auth.config.ts: each provider is { domain, applicationID } or { type: "customJwt", issuer, jwks, algorithm }. ` +
        z.prettifyError(parsed.error),
    );
  }
  return {
    providers: parsed.data.map((provider) => {
      if (provider.type === undefined) {
        return { type: "oidc", domain: provider.domain, applicationID: provider.applicationID };
      }
      const { applicationID, ...rest } = provider;
      return { ...rest, ...(typeof applicationID === "string" && { applicationID }) };
    }),
  };
}

export async function evaluateAuthConfig(app: App, environment: Environment): Promise<AuthProviders> {
  const modules = app.modules.filter(({ path }) => path === authConfigPath);
  const { auth } = await analyze({ modules, environment, pushedAtMs: app.pushedAtMs });
  return parseProviders(auth?.providers ?? []);
}

/** As the CLI prints providers when they change. */
export function showProviders({ providers }: AuthProviders): Json[] {
  return providers.map((provider) =>
    provider.type === "oidc"
      ? { domain: provider.domain, applicationID: provider.applicationID }
      : { ...provider, applicationID: provider.applicationID ?? null },
  );
}
