/** The key pair that signs agent tokens, made once for a data directory. Production makes its own; see .env.example. */
import { readFile, writeFile } from "node:fs/promises";
import { exportJWK, exportPKCS8, generateKeyPair } from "jose";

export interface AgentJwtKeys {
  /** PKCS#8 PEM, for AGENT_JWT_PRIVATE_KEY. */
  privateKey: string;
  /** `data:` URL of the JWKS, for AGENT_JWT_JWKS. */
  jwks: string;
}

export async function loadAgentJwtKeys(file: string): Promise<AgentJwtKeys> {
  const stored = await readFile(file, "utf8").catch(() => undefined);
  if (stored !== undefined) return JSON.parse(stored) as AgentJwtKeys;

  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "agent-1", alg: "ES256", use: "sig" };
  const jwks = Buffer.from(JSON.stringify({ keys: [jwk] })).toString("base64");
  const keys = {
    privateKey: await exportPKCS8(privateKey),
    jwks: `data:application/json;base64,${jwks}`,
  };
  await writeFile(file, JSON.stringify(keys), { mode: 0o600 });
  return keys;
}
