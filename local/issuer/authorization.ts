/**
 * The authorization request of the code flow with PKCE. A request whose client or address cannot be trusted is shown
 * to the person; any other fault goes back to the client, as the standard wants.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { isAllowedRedirect } from "./redirect-uri.ts";

const SECOND = 1000;

const CODE_LIFE = 60 * SECOND;

const requestSchema = z.object({
  response_type: z.string().optional(),
  client_id: z.string().optional(),
  redirect_uri: z.string().optional(),
  scope: z.string().optional(),
  state: z.string().optional(),
  nonce: z.string().optional(),
  code_challenge: z.string().optional(),
  code_challenge_method: z.string().optional(),
  prompt: z.string().optional(),
  login_hint: z.string().optional(),
});

export interface AuthorizationRequest {
  redirectUri: string;
  scope: string;
  state: string | undefined;
  nonce: string | undefined;
  codeChallenge: string;
  loginHint: string | undefined;
}

export type ParsedAuthorization =
  | { kind: "valid"; request: AuthorizationRequest }
  | { kind: "untrusted"; message: string }
  | { kind: "refused"; redirectUri: string; state: string | undefined; error: string; description: string };

export function parseAuthorization(
  parameters: Record<string, unknown>,
  settings: { clientId: string; redirectUris: readonly string[] | undefined },
): ParsedAuthorization {
  const parsed = requestSchema.safeParse(parameters);
  if (!parsed.success) return { kind: "untrusted", message: "A parameter was given more than once." };
  const { data } = parsed;
  if (data.client_id !== settings.clientId) {
    return {
      kind: "untrusted",
      message: `The application asked as client “${data.client_id ?? ""}”, but this issuer serves “${settings.clientId}”.`,
    };
  }
  const { redirect_uri: redirectUri, state } = data;
  if (redirectUri === undefined || !isAllowedRedirect(redirectUri, settings.redirectUris)) {
    return {
      kind: "untrusted",
      message: `The application wants to be answered at “${redirectUri ?? ""}”, which is not an allowed address of this machine.`,
    };
  }
  const refused = (error: string, description: string): ParsedAuthorization => ({
    kind: "refused",
    redirectUri,
    state,
    error,
    description,
  });
  if (data.response_type !== "code") {
    return refused("unsupported_response_type", "Use response_type=code.");
  }
  if (!data.scope?.split(" ").includes("openid")) {
    return refused("invalid_scope", "The scope must contain openid.");
  }
  if (!data.code_challenge || data.code_challenge_method !== "S256") {
    return refused("invalid_request", "PKCE with code_challenge_method=S256 is required.");
  }
  if (data.prompt === "none") {
    return refused("login_required", "This issuer keeps no session: someone has to choose a person.");
  }
  return {
    kind: "valid",
    request: {
      redirectUri,
      state,
      scope: data.scope,
      nonce: data.nonce,
      codeChallenge: data.code_challenge,
      loginHint: data.login_hint,
    },
  };
}

interface PendingCode {
  subject: string;
  request: AuthorizationRequest;
  authTime: number;
  expiresAt: number;
}

/** Codes that wait to be exchanged: each once, within a minute, by whoever knows the verifier. */
export class AuthorizationCodes {
  readonly #pending = new Map<string, PendingCode>();

  issue(subject: string, request: AuthorizationRequest): string {
    const now = Date.now();
    for (const [code, { expiresAt }] of this.#pending) if (expiresAt < now) this.#pending.delete(code);
    const code = randomBytes(32).toString("base64url");
    this.#pending.set(code, {
      subject,
      request,
      authTime: Math.floor(now / 1000),
      expiresAt: now + CODE_LIFE,
    });
    return code;
  }

  redeem(code: string, verifier: string, redirectUri: string): PendingCode | undefined {
    const pending = this.#pending.get(code);
    this.#pending.delete(code);
    if (!pending || pending.expiresAt < Date.now() || pending.request.redirectUri !== redirectUri) {
      return undefined;
    }
    const challenge = createHash("sha256").update(verifier).digest();
    const expected = Buffer.from(pending.request.codeChallenge, "base64url");
    return expected.length === challenge.length && timingSafeEqual(expected, challenge) ? pending : undefined;
  }
}
