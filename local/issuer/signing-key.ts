/** The issuer's RSA key: made once, kept in its directory, so that tokens outlive a restart. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  calculateJwkThumbprint,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from "jose";

export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  /** What the world may read. */
  jwks: JSONWebKeySet;
}

/** Convex accepts OpenID tokens signed so, and with an EdDSA key, which not every client library does. */
export const ALGORITHM = "RS256";

const KEY_FILE = "signing-key.json";

export async function openSigningKey(dataDir: string): Promise<SigningKey> {
  const file = path.join(dataDir, KEY_FILE);
  const jwk = (await readKey(file)) ?? (await createKey(dataDir, file));
  const publicJwk: JWK = { kty: "RSA", n: jwk.n!, e: jwk.e! };
  const kid = await calculateJwkThumbprint(publicJwk);
  return {
    kid,
    privateKey: (await importJWK(jwk, ALGORITHM)) as CryptoKey,
    publicKey: (await importJWK(publicJwk, ALGORITHM)) as CryptoKey,
    jwks: { keys: [{ ...publicJwk, kid, alg: ALGORITHM, use: "sig" }] },
  };
}

async function readKey(file: string): Promise<JWK | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`The signing key ${file} cannot be read; remove it to have a new one made.`, {
      cause: error,
    });
  }
}

async function createKey(dataDir: string, file: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  await mkdir(dataDir, { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify(jwk), { mode: 0o600 });
  await rename(unfinished, file);
  return jwk;
}
