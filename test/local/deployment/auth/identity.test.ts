import { expect, test } from "vitest";
import { oidcIdentity } from "../../../../local/deployment/auth/identity.ts";

test("OpenID's standard claims get Convex's names, others keep theirs, the token's own are left out", () => {
  const identity = oidcIdentity({
    iss: "https://issuer.example",
    sub: "s",
    aud: "app",
    exp: 2,
    iat: 1,
    nbf: 1,
    jti: "j",
    nonce: "n",
    auth_time: 1,
    given_name: "Ada",
    birthdate: "1815-12-10",
    zoneinfo: "Europe/London",
    locale: "en",
    profile: "https://p",
    phone_number_verified: false,
    address: { formatted: "12 St James's Square", country: "UK" },
    updated_at: 1_700_000_000,
    org: { id: 7 },
  });
  expect(identity).toEqual({
    tokenIdentifier: "https://issuer.example|s",
    issuer: "https://issuer.example",
    subject: "s",
    givenName: "Ada",
    birthday: "1815-12-10",
    timezone: "Europe/London",
    language: "en",
    profileUrl: "https://p",
    phoneNumberVerified: false,
    address: "12 St James's Square",
    updatedAt: "2023-11-14T22:13:20.000Z",
    org: { id: 7 },
  });
});

test("a claim cannot pose as one of the three attributes that say who someone is", () => {
  const identity = oidcIdentity({
    iss: "https://i",
    sub: "s",
    tokenIdentifier: "other",
    subject: "x",
    issuer: "y",
  });
  expect(identity).toEqual({ tokenIdentifier: "https://i|s", issuer: "https://i", subject: "s" });
});
