/** From the claims of a verified token to what a function reads from `ctx.auth.getUserIdentity()`. */
import type { JWTPayload } from "jose";
import type { UserIdentity } from "../engine.ts";
import type { Json } from "../values/json.ts";

/** OpenID Connect's standard claims have names of their own in Convex. */
const OIDC_ATTRIBUTES: Record<string, string> = {
  name: "name",
  given_name: "givenName",
  family_name: "familyName",
  nickname: "nickname",
  preferred_username: "preferredUsername",
  profile: "profileUrl",
  picture: "pictureUrl",
  website: "websiteUrl",
  email: "email",
  email_verified: "emailVerified",
  gender: "gender",
  birthdate: "birthday",
  zoneinfo: "timezone",
  locale: "language",
  phone_number: "phoneNumber",
  phone_number_verified: "phoneNumberVerified",
};

/** Claims about the token, not about the person. */
const OIDC_TOKEN_CLAIMS = new Set(
  "iss sub aud exp iat nbf jti fva auth_time nonce acr amr azp at_hash c_hash".split(" "),
);
const JWT_TOKEN_CLAIMS = new Set("iss sub aud exp iat nbf jti fva".split(" "));

export function oidcIdentity(claims: JWTPayload): UserIdentity {
  const attributes: Record<string, Json> = {};
  for (const [claim, value] of Object.entries(claims) as [string, Json][]) {
    if (OIDC_TOKEN_CLAIMS.has(claim)) continue;
    if (claim === "address" && isObject(value)) {
      if (typeof value.formatted === "string") attributes.address = value.formatted;
    } else if (claim === "updated_at" && typeof value === "number") {
      attributes.updatedAt = new Date(value * 1000).toISOString();
    } else {
      attributes[OIDC_ATTRIBUTES[claim] ?? claim] = value;
    }
  }
  return { ...attributes, ...standardAttributes(claims) };
}

/** Private claims keep their names; nested objects become dotted names, arrays stay as they are. */
export function customJwtIdentity(claims: JWTPayload): UserIdentity {
  const attributes: Record<string, Json> = {};
  const flatten = (prefix: string, members: Record<string, Json>) => {
    for (const [name, value] of Object.entries(members)) {
      if (isObject(value)) flatten(`${prefix}${name}.`, value);
      else attributes[prefix + name] = value;
    }
  };
  const privateClaims = Object.entries(claims as Record<string, Json>).filter(
    ([claim]) => !JWT_TOKEN_CLAIMS.has(claim),
  );
  flatten("", Object.fromEntries(privateClaims));
  return { ...attributes, ...standardAttributes(claims) };
}

function standardAttributes(claims: JWTPayload) {
  const issuer = claims.iss ?? "";
  const subject = claims.sub ?? "";
  return { tokenIdentifier: `${issuer}|${subject}`, issuer, subject };
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
