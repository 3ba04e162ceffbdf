/**
 * Who may sign tokens for this deployment: people's providers as AUTH_PROVIDERS says (one JSON array, because reading an
 * unset variable here fails a push), and this deployment itself for agents (`POST /agent/token`).
 */
import type { AuthConfig, AuthProvider } from "convex/server";
import { env } from "./_generated/server";
import { AGENT_AUDIENCE } from "./model/agentAudience.ts";

export default {
  providers: [
    ...(JSON.parse(env.AUTH_PROVIDERS) as AuthProvider[]),
    {
      type: "customJwt",
      applicationID: AGENT_AUDIENCE,
      issuer: env.AGENT_JWT_ISSUER,
      jwks: env.AGENT_JWT_JWKS,
      algorithm: "ES256",
    },
  ],
} satisfies AuthConfig;
