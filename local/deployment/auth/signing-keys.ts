/**
 * Where the public keys of a provider come from: OpenID Connect discovery, or the JWKS URL of a custom JWT provider
 * (a `data:` URL serves offline). Keys are cached; a token with an unknown key id makes them be fetched again.
 */
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose";
import * as z from "zod";
import { RequestError } from "../engine.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const FETCH_TIMEOUT = 5 * SECOND;
const CACHE_LIFE = 10 * MINUTE;
/** How often an unknown key id may cause a fetch. */
const REFETCH_COOLDOWN = 1 * SECOND;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

export class SigningKeys {
  readonly #keySets = new Map<string, JWTVerifyGetKey>();
  readonly #jwksUris = new Map<string, { uri: Promise<string>; since: number }>();

  /** `domain` is the issuer's URL, with its scheme. */
  async ofOidcProvider(domain: string): Promise<JWTVerifyGetKey> {
    const known = this.#jwksUris.get(domain);
    if (known && Date.now() - known.since < CACHE_LIFE) return this.#keySet(await known.uri);
    const uri = discoverJwksUri(domain);
    this.#jwksUris.set(domain, { uri, since: Date.now() });
    try {
      return this.#keySet(await uri);
    } catch (error) {
      this.#jwksUris.delete(domain);
      throw error;
    }
  }

  ofJwksUrl(url: string): JWTVerifyGetKey {
    return this.#keySet(url);
  }

  #keySet(url: string): JWTVerifyGetKey {
    let keys = this.#keySets.get(url);
    if (!keys) {
      keys = createRemoteJWKSet(new URL(url), {
        timeoutDuration: FETCH_TIMEOUT,
        cacheMaxAge: CACHE_LIFE,
        cooldownDuration: REFETCH_COOLDOWN,
        [customFetch]: fetchJwks,
      });
      this.#keySets.set(url, keys);
    }
    return keys;
  }
}

export function providerUnavailable(what: string, cause: unknown): RequestError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const error = new RequestError(
    503,
    "AuthProviderUnavailable",
    `Could not read ${what}: ${detail}. Check the domain in auth.config.ts and that the issuer is running.`,
  );
  error.cause = cause;
  return error;
}

async function discoverJwksUri(domain: string): Promise<string> {
  const url = `${domain.replace(/\/$/, "")}/.well-known/openid-configuration`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return discoverySchema.parse(await response.json()).jwks_uri;
  } catch (error) {
    throw providerUnavailable(`the OpenID configuration at ${url}`, error);
  }
}

const JWKS_CONTENT_TYPE = /^application\/(json|jwk-set\+json)\b/;

async function fetchJwks(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  const contentType = response.headers.get("content-type") ?? "";
  if (response.ok && !JWKS_CONTENT_TYPE.test(contentType)) {
    throw new Error(`the JWKS must be served as application/json, not "${contentType}"`);
  }
  return response;
}
