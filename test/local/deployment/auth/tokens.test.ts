import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { exportJWK, generateKeyPair, type CryptoKey, type JWK, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Authenticator } from "../../../../local/deployment/auth/authenticator.ts";
import type { AuthProviders, Caller } from "../../../../local/deployment/engine.ts";
import { type Issuer, startIssuer } from "../../../../local/issuer/index.ts";

type Provider = AuthProviders["providers"][number];

interface Key {
  privateKey: CryptoKey;
  jwk: JWK;
}

async function newKey(kid: string, alg = "ES256"): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
}

function sign(key: Key, claims: JWTPayload, alg = "ES256"): Promise<string> {
  return new SignJWT({ sub: "u1", exp: Math.floor(Date.now() / 1000) + 60, ...claims })
    .setProtectedHeader({ alg, kid: key.jwk.kid! })
    .sign(key.privateKey);
}

function dataUrl(...keys: Key[]): string {
  return `data:application/json,${encodeURIComponent(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }))}`;
}

function identityOf(caller: Caller) {
  return caller.kind === "user" ? caller.identity : undefined;
}

let providers: Provider[] = [];
const authenticator = new Authenticator("local|secret", () => ({ providers }));

beforeEach(() => {
  providers = [];
});

describe("custom JWT providers", () => {
  const ISSUER = "https://agents.example";
  let key: Key;

  beforeAll(async () => {
    key = await newKey("k1");
  });

  beforeEach(() => {
    providers = [{ type: "customJwt", issuer: ISSUER, jwks: dataUrl(key), algorithm: "ES256" }];
  });

  test("a token checked against a data: URL gives private claims at the top, nested ones dotted", async () => {
    const token = await sign(key, {
      iss: ISSUER,
      iat: 5,
      jti: "x",
      tenantId: "t1",
      roles: ["a"],
      org: { id: 7, unit: { name: "u" } },
    });
    expect(identityOf(await authenticator.user(token))).toEqual({
      tokenIdentifier: `${ISSUER}|u1`,
      issuer: ISSUER,
      subject: "u1",
      tenantId: "t1",
      roles: ["a"],
      "org.id": 7,
      "org.unit.name": "u",
    });
  });

  test("a trailing slash of the issuer does not matter, an audience only when configured", async () => {
    const token = await sign(key, { iss: `${ISSUER}/`, aud: "elsewhere" });
    expect((await authenticator.user(token)).kind).toBe("user");
    providers = [{ ...(providers[0] as Extract<Provider, { type: "customJwt" }>), applicationID: "app" }];
    await expect(authenticator.user(token)).rejects.toMatchObject({ status: 401, code: "NoAuthProvider" });
  });

  test.each([
    ["expired more than five seconds ago", { exp: Math.floor(Date.now() / 1000) - 30 }],
    ["without an expiry", { exp: undefined }],
    ["without a subject", { sub: undefined }],
    ["not valid yet", { nbf: Math.floor(Date.now() / 1000) + 300 }],
  ])("a token %s is refused", async (_, claims) => {
    const token = await sign(key, { iss: ISSUER, ...claims } as JWTPayload);
    await expect(authenticator.user(token)).rejects.toMatchObject({ status: 401, code: "InvalidAuthToken" });
  });

  test("an expiry within the last five seconds is tolerated", async () => {
    const token = await sign(key, { iss: ISSUER, exp: Math.floor(Date.now() / 1000) - 2 });
    expect((await authenticator.user(token)).kind).toBe("user");
  });

  test("another key, another algorithm and no signature are refused", async () => {
    const forged = await newKey("k1");
    const rsa = await newKey("k1", "RS256");
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(
      JSON.stringify({ iss: ISSUER, sub: "u1", exp: 9e9 }),
    ).toString("base64url")}.`;
    for (const token of [
      await sign(forged, { iss: ISSUER }),
      await sign(rsa, { iss: ISSUER }, "RS256"),
      none,
      "not-a-token",
    ]) {
      await expect(authenticator.user(token)).rejects.toMatchObject({ status: 401 });
    }
  });

  test("a token of nobody configured names its issuer and what is configured", async () => {
    const token = await sign(key, { iss: "https://other.example", aud: "app" });
    await expect(authenticator.user(token)).rejects.toThrow(
      /No auth provider found.*other\.example.*customJwt https:\/\/agents\.example/,
    );
  });

  describe("over http", () => {
    let server: Server;
    let served: { keys: JWK[] };
    let contentType: string;
    let fetches: number;

    beforeAll(async () => {
      server = createServer((_, response) => {
        fetches++;
        response.setHeader("Content-Type", contentType).end(JSON.stringify(served));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    afterAll(() => server.close());
    beforeEach(() => {
      fetches = 0;
      contentType = "application/json; charset=utf-8";
      served = { keys: [key.jwk] };
      const jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${Math.random()}`;
      providers = [{ type: "customJwt", issuer: ISSUER, jwks, algorithm: "ES256" }];
    });

    test("keys are fetched once, and again for a key id that is not among them", async () => {
      await authenticator.user(await sign(key, { iss: ISSUER }));
      await authenticator.user(await sign(key, { iss: ISSUER, again: true }));
      expect(fetches).toBe(1);
      const rotated = await newKey("k2");
      served = { keys: [rotated.jwk] };
      const token = await sign(rotated, { iss: ISSUER });
      // A refetch is allowed once a second, so that made-up key ids cannot flood the provider.
      await expect.poll(() => authenticator.user(token), { timeout: 5000 }).toMatchObject({ kind: "user" });
      expect(fetches).toBe(2);
    });

    test("keys served as something else than JSON, or not at all, are the provider's fault: 503", async () => {
      contentType = "text/html";
      const token = await sign(key, { iss: ISSUER });
      await expect(authenticator.user(token)).rejects.toMatchObject({
        status: 503,
        code: "AuthProviderUnavailable",
      });
      contentType = "application/jwk-set+json";
      expect((await authenticator.user(token)).kind).toBe("user");
      providers = [{ type: "customJwt", issuer: ISSUER, jwks: "http://127.0.0.1:1/", algorithm: "ES256" }];
      await expect(authenticator.user(token)).rejects.toMatchObject({ status: 503 });
    });
  });
});

describe("OpenID Connect providers", () => {
  let dataDir: string;
  let issuer: Issuer;

  beforeAll(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), "issuer-"));
    const people = [{ subject: "ada", name: "Ada Byron", email: "ada@example.com" }];
    issuer = await startIssuer({ dataDir, clientId: "app", people });
  });
  afterAll(async () => {
    await issuer.close();
    await rm(dataDir, { recursive: true });
  });

  test("the development issuer's token is found by discovery, its claims under Convex's names", async () => {
    providers = [{ type: "oidc", domain: issuer.issuer, applicationID: "app" }];
    expect(await authenticator.user(await issuer.tokenFor("ada"))).toEqual({
      kind: "user",
      expiresAtMs: expect.any(Number) as number,
      identity: {
        tokenIdentifier: `${issuer.issuer}|ada`,
        issuer: issuer.issuer,
        subject: "ada",
        name: "Ada Byron",
        email: "ada@example.com",
        emailVerified: true,
      },
    });
  });

  test("the audience is required", async () => {
    providers = [{ type: "oidc", domain: issuer.issuer, applicationID: "other" }];
    await expect(authenticator.user(await issuer.tokenFor("ada"))).rejects.toMatchObject({
      code: "NoAuthProvider",
    });
  });

  test("an issuer that is down is 503, and is asked again", async () => {
    const { port } = issuer;
    const token = await issuer.tokenFor("ada");
    const fresh = new Authenticator("local|secret", () => ({ providers }));
    providers = [{ type: "oidc", domain: issuer.issuer, applicationID: "app" }];
    await issuer.close();
    await expect(fresh.user(token)).rejects.toMatchObject({ status: 503, code: "AuthProviderUnavailable" });
    issuer = await startIssuer({ dataDir, port, clientId: "app", people: [] });
    expect((await fresh.user(token)).kind).toBe("user");
  });
});
