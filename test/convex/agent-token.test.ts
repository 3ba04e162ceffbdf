import { createLocalJWKSet, exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import type { JSONWebKeySet } from "jose";
import { calculateJwkThumbprint } from "jose";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { AGENT_AUDIENCE } from "../../convex/model/agentAudience.ts";
import { addTenant, AGENT_ISSUER, BUCKET, deployment } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;
let jwks: JSONWebKeySet;
let pem: string;
let jwk: string;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
  jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: "ES256" }] };
  pem = await exportPKCS8(privateKey);
  jwk = JSON.stringify({ ...(await exportJWK(privateKey)), kid });
  vi.stubEnv("AGENT_JWT_PRIVATE_KEY", pem);
});

function ask(key: string | null): Promise<Response> {
  return t.fetch("/agent/token", {
    method: "POST",
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
  });
}

interface Answer {
  token: string;
  expiresAt: number;
  tenantId: string;
  agentName: string;
  bucket: string;
  region: string;
}

describe("POST /agent/token", () => {
  test.each(["PEM", "JWK"])("trades a key for a token of an hour, signed with a %s", async (form) => {
    vi.stubEnv("AGENT_JWT_PRIVATE_KEY", form === "PEM" ? pem : jwk);
    const response = await ask(acme.agentKey);
    expect(response.status).toBe(200);
    const answer = (await response.json()) as Answer;
    expect(answer).toMatchObject({
      tenantId: acme.tenantId,
      agentName: "renderer of acme",
      bucket: BUCKET,
      region: "us-east-1",
    });
    const { payload } = await jwtVerify(answer.token, createLocalJWKSet(jwks), {
      issuer: AGENT_ISSUER,
      audience: AGENT_AUDIENCE,
      algorithms: ["ES256"],
    });
    expect(payload).toMatchObject({ tenantId: acme.tenantId, agentName: "renderer of acme" });
    expect(payload.exp! * 1000).toBe(answer.expiresAt);
    expect(payload.exp! - payload.iat!).toBe(3600);
  });

  test.each([
    ["an unknown key", "rsk_0000"],
    ["something else", "hello"],
    ["no key", null],
  ])("[G7] refuses %s with 401 and the fix", async (_what, key) => {
    const response = await ask(key);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      code: "AGENT_KEY_INVALID",
      message: expect.stringContaining("REELSYNC_AGENT_KEY") as string,
    });
  });

  test("refuses a revoked key", async () => {
    await t.run(async (ctx) => {
      const [key] = await ctx.db.query("agentKeys").take(1);
      await ctx.db.patch("agentKeys", key!._id, { revokedAt: 1 });
    });
    expect((await ask(acme.agentKey)).status).toBe(401);
  });

  test("[G7] a deployment that cannot sign says which variables it lacks", async () => {
    vi.stubEnv("AGENT_JWT_PRIVATE_KEY", undefined);
    const response = await ask(acme.agentKey);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("AGENT_JWT_PRIVATE_KEY") as string,
    });
  });

  test("stores a key's last use at most once an hour, so that its agent's subscriptions rest", async () => {
    const lastUse = () => t.run(async (ctx) => (await ctx.db.query("agentKeys").take(1))[0]?.lastUsedAt);
    await ask(acme.agentKey);
    const first = await lastUse();
    expect(first).toBeTypeOf("number");
    await ask(acme.agentKey);
    expect(await lastUse()).toBe(first);
    await t.run(async (ctx) => {
      const [key] = await ctx.db.query("agentKeys").take(1);
      await ctx.db.patch("agentKeys", key!._id, { lastUsedAt: 1 });
    });
    await ask(acme.agentKey);
    expect(await lastUse()).toBeGreaterThan(1);
  });

  test("no key is stored or shown again", async () => {
    const rows = await t.run((ctx) => ctx.db.query("agentKeys").take(10));
    expect(JSON.stringify(rows)).not.toContain(acme.agentKey);
    expect(rows[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
  });
});
