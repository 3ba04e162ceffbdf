/** Verifies a person's JWT against the providers of the deployed `auth.config.ts`. */
import { decodeJwt, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { type AuthProviders, type Caller, RequestError } from "../engine.ts";
import { customJwtIdentity, oidcIdentity } from "./identity.ts";
import { providerUnavailable, type SigningKeys } from "./signing-keys.ts";

type Provider = AuthProviders["providers"][number];

const CLOCK_TOLERANCE_SECONDS = 5;

export async function userCaller(
  token: string,
  providers: readonly Provider[],
  keys: SigningKeys,
): Promise<Extract<Caller, { kind: "user" }>> {
  const provider = findProvider(unverifiedClaims(token), providers);
  const claims = await verify(token, provider, keys);
  const identity = provider.type === "oidc" ? oidcIdentity(claims) : customJwtIdentity(claims);
  return { kind: "user", identity, expiresAtMs: (claims.exp ?? 0) * 1000 };
}

function unverifiedClaims(token: string): JWTPayload {
  try {
    return decodeJwt(token);
  } catch (error) {
    throw invalidToken("it is not a JWT", error);
  }
}

function findProvider(claims: JWTPayload, providers: readonly Provider[]): Provider {
  const audiences = [claims.aud ?? []].flat();
  const provider = providers.find(
    (candidate) =>
      claims.iss !== undefined &&
      normalIssuer(issuerOf(candidate)) === normalIssuer(claims.iss) &&
      (candidate.applicationID === undefined || audiences.includes(candidate.applicationID)),
  );
  if (provider) return provider;
  throw new RequestError(
    401,
    "NoAuthProvider",
    `No auth provider found matching the given token (issuer ${JSON.stringify(claims.iss ?? null)}, ` +
      `audience ${JSON.stringify(claims.aud ?? null)}). Configured: ${providers.map(describe).join(", ") || "none"}. ` +
      `Check auth.config.ts and push again.`,
  );
}

async function verify(token: string, provider: Provider, keys: SigningKeys): Promise<JWTPayload> {
  const issuer = issuerOf(provider);
  try {
    const getKey: JWTVerifyGetKey =
      provider.type === "oidc"
        ? await keys.ofOidcProvider(withScheme(provider.domain))
        : keys.ofJwksUrl(provider.jwks);
    const { payload } = await jwtVerify(token, getKey, {
      algorithms: provider.type === "oidc" ? ["RS256", "EdDSA"] : [provider.algorithm],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ["iss", "sub", "exp"],
    });
    if (provider.type === "oidc" && Array.isArray(payload.aud) && payload.aud.length > 1) {
      throw new errors.JWTClaimValidationFailed("it names more than one audience", payload, "aud");
    }
    return payload;
  } catch (error) {
    if (error instanceof RequestError) throw error;
    if (isTokenFault(error)) throw invalidToken(error.message, error);
    throw providerUnavailable(`the signing keys of ${issuer}`, error);
  }
}

/** The other errors mean that the keys could not be had, which a new token would not cure. */
function isTokenFault(error: unknown): error is Error {
  return (
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported
  );
}

function invalidToken(reason: string, cause: unknown): RequestError {
  const error = new RequestError(
    401,
    "InvalidAuthToken",
    `Could not verify the token: ${reason}. Sign in again to get a new one.`,
  );
  error.cause = cause;
  return error;
}

function issuerOf(provider: Provider): string {
  return provider.type === "oidc" ? provider.domain : provider.issuer;
}

function withScheme(issuer: string): string {
  return /^https?:\/\//.test(issuer) ? issuer : `https://${issuer}`;
}

function normalIssuer(issuer: string): string {
  return withScheme(issuer).replace(/\/$/, "");
}

function describe(provider: Provider): string {
  const audience = provider.applicationID === undefined ? "" : ` for ${provider.applicationID}`;
  return `${provider.type} ${issuerOf(provider)}${audience}`;
}
