/** The key pair that signs agent tokens, made once for a data directory. Production makes its own; see .env.example. */
import { readFile, writeFile } from "node:fs/promises";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";

export interface AgentJwtKeys {
  /** JWK as JSON text, for AGENT_JWT_PRIVATE_KEY. */
  privateKey: string;
  /** `data:` URL of the JWKS, for AGENT_JWT_JWKS. */
  jwks: string;
}

export async function loadAgentJwtKeys(file: string): Promise<AgentJwtKeys> {
  const stored = await readFile(file, "utf8").catch(() => undefined);
  if (stored !== undefined) return JSON.parse(stored) as AgentJwtKeys;

  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const named = { kid: await calculateJwkThumbprint(publicJwk), alg: "ES256", use: "sig" };
  const jwks = Buffer.from(JSON.stringify({ keys: [{ ...publicJwk, ...named }] })).toString("base64");
  const keys = {
    privateKey: JSON.stringify({ ...(await exportJWK(privateKey)), ...named }),
    jwks: `data:application/json;base64,${jwks}`,
  };
  await writeFile(file, JSON.stringify(keys), { mode: 0o600 });
  return keys;
}
