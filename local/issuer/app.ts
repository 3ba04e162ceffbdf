/** The issuer's routes, as its discovery document names them. */
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { type AuthorizationCodes, parseAuthorization } from "./authorization.ts";
import { messagePage, signInPage, STYLE } from "./page.ts";
import type { Person } from "./person.ts";
import { isAllowedRedirect, withParameters } from "./redirect-uri.ts";
import { ALGORITHM, type SigningKey } from "./signing-key.ts";
import type { Grant, Tokens } from "./tokens.ts";

export interface IssuerSettings {
  issuer: string;
  clientId: string;
  people: readonly Person[];
  redirectUris: readonly string[] | undefined;
  key: SigningKey;
  tokens: Tokens;
  codes: AuthorizationCodes;
}

export function issuerApp(settings: IssuerSettings) {
  const { issuer, clientId, people, tokens, codes } = settings;
  const personOf = (subject: unknown) => people.find((person) => person.subject === subject);
  const openToScripts = cors({ origin: "*" });

  const tokenAnswer = async (c: Context, grant: Grant | undefined, nonce?: string) => {
    const person = personOf(grant?.subject);
    if (!grant || !person) {
      return tokenError(
        c,
        "invalid_grant",
        "It is unknown, used, expired, or not for this request; sign in again.",
      );
    }
    return c.json(await tokens.tokenResponse(person, grant, nonce));
  };

  const showAuthorization = (c: Context, parameters: Record<string, string>) => {
    const parsed = parseAuthorization(parameters, settings);
    switch (parsed.kind) {
      case "untrusted":
        return page(c, messagePage("This sign-in cannot go on", parsed.message), 400);
      case "refused":
        return c.redirect(
          withParameters(parsed.redirectUri, {
            error: parsed.error,
            error_description: parsed.description,
            state: parsed.state,
          }),
          303,
        );
      case "valid": {
        const { redirectUri, loginHint } = parsed.request;
        return page(c, signInPage(people, clientId, parameters, loginHint), 200, new URL(redirectUri).origin);
      }
      default:
        return parsed satisfies never;
    }
  };

  return new Hono()
    .use("/.well-known/*", openToScripts)
    .use("/jwks.json", openToScripts)
    .use("/token", openToScripts)
    .use("/userinfo", openToScripts)
    .get("/", (c) =>
      page(c, messagePage("Development sign-in", `This is the OpenID Connect issuer ${issuer}.`), 200),
    )
    .get("/style.css", (c) => c.body(STYLE, 200, { "Content-Type": "text/css" }))
    .get("/.well-known/openid-configuration", (c) => c.json(discovery(issuer)))
    .get("/jwks.json", (c) => c.json(settings.key.jwks))
    .get("/authorize", (c) => showAuthorization(c, c.req.query()))
    .post("/authorize", async (c) => {
      const { subject, ...parameters } = await c.req.parseBody<Record<string, string>>();
      const parsed = parseAuthorization(parameters, settings);
      const person = personOf(subject);
      if (parsed.kind !== "valid" || !person) return showAuthorization(c, parameters);
      const { redirectUri, state } = parsed.request;
      const code = codes.issue(person.subject, parsed.request);
      return c.redirect(withParameters(redirectUri, { code, state }), 303);
    })
    .post("/token", async (c) => {
      c.header("Cache-Control", "no-store");
      const form = await c.req.parseBody<Record<string, string>>();
      if (form.client_id !== clientId) {
        return tokenError(c, "invalid_client", `This issuer serves the client ${clientId}.`);
      }
      switch (form.grant_type) {
        case "authorization_code": {
          const redeemed = codes.redeem(form.code ?? "", form.code_verifier ?? "", form.redirect_uri ?? "");
          const grant = redeemed && {
            subject: redeemed.subject,
            scope: redeemed.request.scope,
            authTime: redeemed.authTime,
          };
          return tokenAnswer(c, grant, redeemed?.request.nonce);
        }
        case "refresh_token":
          return tokenAnswer(c, await tokens.grantOf(form.refresh_token ?? "", "refresh"));
        default:
          return tokenError(c, "unsupported_grant_type", "Use authorization_code or refresh_token.");
      }
    })
    .on(["GET", "POST"], "/userinfo", async (c) => {
      const token = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
      const person = personOf((await tokens.grantOf(token, "access"))?.subject);
      if (!person) return c.json({ error: "invalid_token" }, 401, { "WWW-Authenticate": "Bearer" });
      const { subject, name, email } = person;
      return c.json({ sub: subject, name, email, email_verified: true });
    })
    .on(["GET", "POST"], "/end-session", async (c) => {
      const form = c.req.method === "POST" ? await c.req.parseBody<Record<string, string>>() : {};
      const { post_logout_redirect_uri: returnTo, state } = { ...c.req.query(), ...form };
      if (returnTo !== undefined && isAllowedRedirect(returnTo, settings.redirectUris)) {
        return c.redirect(withParameters(returnTo, { state }), 303);
      }
      return page(c, messagePage("Signed out", "You can close this page."), 200);
    });
}

function discovery(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    end_session_endpoint: `${issuer}/end-session`,
    jwks_uri: `${issuer}/jwks.json`,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "refresh_token"],
    code_challenge_methods_supported: ["S256"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [ALGORITHM],
    token_endpoint_auth_methods_supported: ["none"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    claims_supported: [
      "iss",
      "sub",
      "aud",
      "exp",
      "iat",
      "auth_time",
      "nonce",
      "name",
      "email",
      "email_verified",
    ],
  };
}

function tokenError(c: Context, error: string, description: string) {
  return c.json({ error, error_description: description }, error === "invalid_client" ? 401 : 400);
}

/** `answersTo` is where the form's answer leads: browsers check a form's redirects against the policy as well. */
function page(c: Context, content: ReturnType<typeof messagePage>, status: 200 | 400, answersTo = "") {
  c.header(
    "Content-Security-Policy",
    `default-src 'none'; style-src 'self'; form-action 'self' ${answersTo}; base-uri 'none'; frame-ancestors 'none'`,
  );
  c.header("Cache-Control", "no-store");
  c.header("Referrer-Policy", "no-referrer");
  return c.html(content, status);
}
