/** Mints and checks the issuer's tokens. Refresh and access tokens are signed too, so none is stored. */
import { jwtVerify, SignJWT } from "jose";
import type { Person } from "./person.ts";
import { ALGORITHM, type SigningKey } from "./signing-key.ts";

const DAY_SECONDS = 24 * 60 * 60;

const REFRESH_TOKEN_TTL_SECONDS = 30 * DAY_SECONDS;

export interface Grant {
  subject: string;
  scope: string;
  /** When the person signed in, seconds. */
  authTime: number;
}

export interface TokenSettings {
  issuer: string;
  clientId: string;
  key: SigningKey;
  ttlSeconds: number;
}

export class Tokens {
  constructor(private readonly settings: TokenSettings) {}

  idToken(
    person: Person,
    {
      nonce,
      authTime,
      ttlSeconds,
    }: { nonce?: string | undefined; authTime?: number; ttlSeconds?: number } = {},
  ): Promise<string> {
    const { subject, name, email } = person;
    const claims = {
      name,
      email,
      email_verified: true,
      ...(nonce === undefined ? {} : { nonce }),
      ...(authTime === undefined ? {} : { auth_time: authTime }),
    };
    return this.#sign(claims, subject, this.settings.clientId, ttlSeconds ?? this.settings.ttlSeconds);
  }

  async tokenResponse(person: Person, grant: Grant, nonce?: string) {
    const { issuer, ttlSeconds } = this.settings;
    const { subject, scope, authTime } = grant;
    const carried = { scope, auth_time: authTime };
    return {
      token_type: "Bearer",
      expires_in: ttlSeconds,
      scope,
      id_token: await this.idToken(person, { nonce, authTime }),
      access_token: await this.#sign({ ...carried, token_use: "access" }, subject, issuer, ttlSeconds),
      refresh_token: await this.#sign(
        { ...carried, token_use: "refresh" },
        subject,
        issuer,
        REFRESH_TOKEN_TTL_SECONDS,
      ),
    };
  }

  /** The grant behind one of our own tokens, or undefined when it is not valid or of the other use. */
  async grantOf(token: string, use: "access" | "refresh"): Promise<Grant | undefined> {
    const { issuer, key } = this.settings;
    try {
      const { payload } = await jwtVerify(token, key.publicKey, { issuer, audience: issuer });
      if (payload.token_use !== use || payload.sub === undefined) return undefined;
      return { subject: payload.sub, scope: String(payload.scope), authTime: Number(payload.auth_time) };
    } catch {
      return undefined;
    }
  }

  #sign(claims: Record<string, unknown>, subject: string, audience: string, ttlSeconds: number) {
    const { issuer, key } = this.settings;
    const issuedAt = Math.floor(Date.now() / 1000);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: "JWT" })
      .setIssuer(issuer)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ttlSeconds)
      .sign(key.privateKey);
  }
}
