import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { InMemoryWebStorage, OidcClient, UserManager, WebStorageStateStore } from "oidc-client-ts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Issuer, type IssuerOptions, startIssuer } from "../../../local/issuer/index.ts";

const CLIENT_ID = "app";
const REDIRECT_URI = "http://localhost:5173/signed-in";
const PEOPLE = [
  { subject: "ada", name: "Ada Byron", email: "ada@example.com", note: "Administrator" },
  { subject: "vic", name: "Vic <script>", email: "vic@example.com" },
];

let dataDir: string;
let issuer: Issuer;

const start = (more: Partial<IssuerOptions> = {}) =>
  startIssuer({ dataDir, clientId: CLIENT_ID, people: PEOPLE, ...more });

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "issuer-"));
  issuer = await start();
});

afterEach(async () => {
  await issuer.close();
  await rm(dataDir, { recursive: true });
});

const verifier = randomBytes(32).toString("base64url");
const challenge = createHash("sha256").update(verifier).digest("base64url");

function authorization(change: Record<string, string> = {}) {
  return {
    response_type: "code",
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    scope: "openid profile",
    state: "s1",
    nonce: "n1",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...change,
  };
}

function authorize(change?: Record<string, string>) {
  const url = `${issuer.issuer}/authorize?${new URLSearchParams(authorization(change)).toString()}`;
  return fetch(url, { redirect: "manual" });
}

async function choose(subject: string, change?: Record<string, string>): Promise<URL> {
  const answer = await fetch(`${issuer.issuer}/authorize`, {
    method: "POST",
    body: new URLSearchParams({ ...authorization(change), subject }),
    redirect: "manual",
  });
  expect(answer.status).toBe(303);
  return new URL(answer.headers.get("location")!);
}

async function exchange(form: Record<string, string>) {
  const answer = await fetch(`${issuer.issuer}/token`, {
    method: "POST",
    headers: { Origin: "http://localhost:5173" },
    body: new URLSearchParams({ client_id: CLIENT_ID, ...form }),
  });
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as Record<string, string>,
  };
}

function redeem(code: string, change: Record<string, string> = {}) {
  return exchange({
    grant_type: "authorization_code",
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
    ...change,
  });
}

describe("signing in", () => {
  test("choosing a person yields a code that is exchanged for verifiable tokens", async () => {
    const returned = await choose("ada");
    expect(`${returned.origin}${returned.pathname}`).toBe(REDIRECT_URI);
    expect(returned.searchParams.get("state")).toBe("s1");
    const { status, headers, body } = await redeem(returned.searchParams.get("code")!);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("access-control-allow-origin")).toBe("*");
    const keys = createRemoteJWKSet(new URL(`${issuer.issuer}/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(body.id_token!, keys, {
      issuer: issuer.issuer,
      audience: CLIENT_ID,
    });
    expect(protectedHeader.alg).toBe("RS256");
    expect(payload).toMatchObject({ sub: "ada", name: "Ada Byron", email: "ada@example.com", nonce: "n1" });
    expect(payload.exp! - payload.iat!).toBe(3600);
    const userinfo = await fetch(`${issuer.issuer}/userinfo`, {
      headers: { Authorization: `Bearer ${body.access_token!}` },
    });
    expect(await userinfo.json()).toMatchObject({ sub: "ada", name: "Ada Byron" });
  });

  test("a code works once, for its address and verifier only", async () => {
    const code = async () => (await choose("ada")).searchParams.get("code")!;
    const once = await code();
    expect((await redeem(once)).status).toBe(200);
    for (const attempt of [
      await redeem(once),
      await redeem(await code(), { code_verifier: "guessed" }),
      await redeem(await code(), { redirect_uri: "http://localhost:5173/other" }),
    ]) {
      expect(attempt).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    }
    expect((await redeem(await code(), { client_id: "other" })).body.error).toBe("invalid_client");
  });

  test("a refresh token yields fresh tokens, also after a restart on the same directory", async () => {
    const { body } = await redeem((await choose("ada")).searchParams.get("code")!);
    const { port } = issuer;
    await issuer.close();
    issuer = await start({ port });
    const refreshed = await exchange({ grant_type: "refresh_token", refresh_token: body.refresh_token! });
    expect(decodeJwt(refreshed.body.id_token!)).toMatchObject({ sub: "ada", iss: issuer.issuer });
    const misused = await exchange({ grant_type: "refresh_token", refresh_token: body.access_token! });
    expect(misused.body.error).toBe("invalid_grant");
  });
});

describe("the page", () => {
  test("lists the people, escapes what they are called and runs no script", async () => {
    const answer = await authorize();
    const text = await answer.text();
    expect(answer.status).toBe(200);
    expect(text).toContain("Ada Byron");
    expect(text).toContain("Administrator");
    expect(text).toContain("Vic &lt;script&gt;");
    expect(text).not.toContain("<script");
    expect(text).toContain('lang="en"');
    const policy = answer.headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'self' http://localhost:5173");
  });

  test.each([
    ["another client", { client_id: "other" }],
    ["an address of another machine", { redirect_uri: "https://example.com/signed-in" }],
    ["an address that only looks local", { redirect_uri: "http://localhost@example.com/" }],
    ["an address with a fragment", { redirect_uri: "http://localhost:5173/#here" }],
  ])("does not send the browser on for %s", async (_, change) => {
    const answer = await authorize(change);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("location")).toBeNull();
    expect(await answer.text()).toContain("cannot go on");
  });

  test.each([
    ["unsupported_response_type", { response_type: "token" }],
    ["invalid_scope", { scope: "profile" }],
    ["invalid_request", { code_challenge_method: "plain" }],
    ["login_required", { prompt: "none" }],
  ])("tells the application %s", async (error, change) => {
    const answer = await authorize(change);
    const location = new URL(answer.headers.get("location")!);
    expect(location.origin).toBe("http://localhost:5173");
    expect(location.searchParams.get("error")).toBe(error);
    expect(location.searchParams.get("state")).toBe("s1");
  });

  test("configured addresses bound where it may lead, matched by whole path segments", async () => {
    await issuer.close();
    issuer = await start({ redirectUris: ["http://localhost:5173/app"] });
    const status = async (redirectUri: string) => (await authorize({ redirect_uri: redirectUri })).status;
    expect(await status("http://localhost:5173/app/signed-in")).toBe(200);
    expect(await status("http://localhost:5173/apple")).toBe(400);
    expect(await status("http://localhost:5174/app")).toBe(400);
    await expect(start({ redirectUris: ["https://example.com"] })).rejects.toMatchObject({
      code: "REDIRECT_URI_NOT_LOOPBACK",
    });
  });

  test("signing out leads back to the application, never elsewhere", async () => {
    const leave = (returnTo: string) =>
      fetch(`${issuer.issuer}/end-session?state=x&post_logout_redirect_uri=${encodeURIComponent(returnTo)}`, {
        redirect: "manual",
      });
    expect((await leave("http://localhost:5173/bye")).headers.get("location")).toBe(
      "http://localhost:5173/bye?state=x",
    );
    expect((await leave("https://example.com")).status).toBe(200);
  });
});

test("oidc-client-ts, unmodified, signs in, renews and signs out by discovery alone", async () => {
  const settings = {
    authority: issuer.issuer,
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    post_logout_redirect_uri: "http://localhost:5173/bye",
    scope: "openid profile email offline_access",
    loadUserInfo: true,
    automaticSilentRenew: false,
    stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
  };
  // The client makes the addresses, the manager (what an app uses) does the rest without a browser.
  const client = new OidcClient(settings);
  const manager = new UserManager(settings);
  const request = await client.createSigninRequest({ request_type: "si:r" });
  expect((await fetch(request.url)).status).toBe(200);
  const parameters = Object.fromEntries(new URL(request.url).searchParams);
  const chosen = await fetch(`${issuer.issuer}/authorize`, {
    method: "POST",
    body: new URLSearchParams({ ...parameters, subject: "vic" }),
    redirect: "manual",
  });
  const user = await manager.signinRedirectCallback(chosen.headers.get("location")!);
  expect(user.profile).toMatchObject({ sub: "vic", email: "vic@example.com" });
  const renewed = await manager.signinSilent();
  expect(renewed?.profile.sub).toBe("vic");
  expect(renewed?.expires_in).toBeGreaterThan(3500);
  const leaving = await client.createSignoutRequest({ id_token_hint: user.id_token! });
  const left = await fetch(leaving.url, { redirect: "manual" });
  expect(left.headers.get("location")).toBe("http://localhost:5173/bye");
});

test("tokens for scripts name the person, live as long as asked, and the key is private to its owner", async () => {
  const claims = decodeJwt(await issuer.tokenFor("ada", { ttlSeconds: 5 }));
  expect(claims).toMatchObject({ iss: issuer.issuer, sub: "ada", aud: CLIENT_ID });
  expect(claims.exp! - claims.iat!).toBe(5);
  await expect(issuer.tokenFor("nobody")).rejects.toMatchObject({ code: "UNKNOWN_PERSON" });
  const { mode } = await stat(path.join(dataDir, "signing-key.json"));
  expect(mode & 0o777).toBe(0o600);
});
