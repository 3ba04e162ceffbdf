/** Signs the tokens agents carry. Reads the one private key of the deployment and never hands it on. */
import { SignJWT, calculateJwkThumbprint, exportJWK, importJWK, importPKCS8 } from "jose";
import type { CryptoKey, JWK } from "jose";
import { HOUR, SECOND } from "../../contract/limits.ts";
import { env } from "../_generated/server";
import { AGENT_AUDIENCE } from "./agentAudience.ts";
import { refuse } from "./refusal.ts";

const ALGORITHM = "ES256";

/** Long enough that an agent asks rarely, short enough that a leaked token is soon worth nothing. */
const LIFE_MS = HOUR;

export interface AgentClaims {
  keyId: string;
  tenantId: string;
  agentName: string;
  projectIds?: string[];
}

export async function signAgentToken(
  claims: AgentClaims,
  now: number,
): Promise<{ token: string; expiresAt: number }> {
  const secret = env.AGENT_JWT_PRIVATE_KEY;
  if (secret === undefined) {
    return refuse("CONFIG_INVALID", "AGENT_JWT_PRIVATE_KEY is not set on this deployment.");
  }
  const { key, kid } = await readPrivateKey(secret);
  const issuedAt = Math.floor(now / SECOND);
  const expiresAt = issuedAt + LIFE_MS / SECOND;
  const token = await new SignJWT({
    tenantId: claims.tenantId,
    agentName: claims.agentName,
    ...(claims.projectIds === undefined ? {} : { projectIds: claims.projectIds }),
  })
    .setProtectedHeader({ alg: ALGORITHM, typ: "JWT", kid })
    .setIssuer(env.AGENT_JWT_ISSUER)
    .setSubject(claims.keyId)
    .setAudience(AGENT_AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(key);
  return { token, expiresAt: expiresAt * SECOND };
}

/** PKCS8 PEM (its `kid` is the RFC 7638 thumbprint) or a JWK as JSON (with its own `kid`, or the thumbprint). */
async function readPrivateKey(secret: string): Promise<{ key: CryptoKey | Uint8Array; kid: string }> {
  if (secret.trimStart().startsWith("{")) {
    const jwk = JSON.parse(secret) as JWK;
    return { key: await importJWK(jwk, ALGORITHM), kid: jwk.kid ?? (await calculateJwkThumbprint(jwk)) };
  }
  const key = await importPKCS8(secret, ALGORITHM, { extractable: true });
  return { key, kid: await calculateJwkThumbprint(await exportJWK(key)) };
}
