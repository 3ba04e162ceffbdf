/**
 * An OpenID Connect issuer for development: people are configured, and signing in is choosing one of them. Lets an app
 * that needs sign-in run offline with the same client library it uses in production.
 *
 * Not simulated
 *   passwords, consent, sessions of its own (prompt=none always answers login_required), client secrets, registration,
 *   revocation, implicit and hybrid flows.
 * Differs by design
 *   - answers only to addresses of this machine;
 *   - tokens are signed, none is stored: a refresh token lives 30 days and can be used again.
 */
import { type Door, listen } from "../listener.ts";
import { issuerApp } from "./app.ts";
import { AuthorizationCodes } from "./authorization.ts";
import type { Person } from "./person.ts";
import { isLoopback } from "./redirect-uri.ts";
import { openSigningKey } from "./signing-key.ts";
import { Tokens } from "./tokens.ts";

export type { Person } from "./person.ts";

const HOUR_SECONDS = 60 * 60;

export interface IssuerOptions {
  dataDir: string;
  host?: string;
  /** 0, the default, takes any free port. */
  port?: number;
  clientId: string;
  people: readonly Person[];
  /** Addresses of this machine, matched as prefixes of the path; none means any address of this machine. */
  redirectUris?: readonly string[];
  tokenTtlSeconds?: number;
}

export interface Issuer {
  /** Its address, also the `iss` of its tokens. */
  issuer: string;
  clientId: string;
  port: number;
  /** An ID token for scripts and tests. */
  tokenFor(subject: string, options?: { ttlSeconds?: number }): Promise<string>;
  close(): Promise<void>;
}

class IssuerError extends Error {
  override name = "IssuerError";
  constructor(
    readonly code: "REDIRECT_URI_NOT_LOOPBACK" | "UNKNOWN_PERSON",
    message: string,
  ) {
    super(message);
  }
}

export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { dataDir, host = "127.0.0.1", clientId, people, redirectUris } = options;
  const foreign = redirectUris?.find((uri) => !isLoopback(uri));
  if (foreign !== undefined) {
    throw new IssuerError(
      "REDIRECT_URI_NOT_LOOPBACK",
      `The redirect address ${foreign} is not on this machine; use http://localhost or http://127.0.0.1.`,
    );
  }
  const key = await openSigningKey(dataDir);
  let open!: (door: Door) => void;
  const listener = await listen(host, options.port ?? 0, new Promise<Door>((resolve) => (open = resolve)));
  const issuer = listener.url;
  const ttlSeconds = options.tokenTtlSeconds ?? HOUR_SECONDS;
  const tokens = new Tokens({ issuer, clientId, key, ttlSeconds });
  const codes = new AuthorizationCodes();
  open({ fetch: issuerApp({ issuer, clientId, people, redirectUris, key, tokens, codes }).fetch });
  return {
    issuer,
    clientId,
    port: listener.port,
    tokenFor: async (subject, { ttlSeconds: ttl } = {}) => {
      const person = people.find((candidate) => candidate.subject === subject);
      if (!person) {
        const known = people.map((candidate) => candidate.subject).join(", ");
        throw new IssuerError("UNKNOWN_PERSON", `There is no person "${subject}"; configured: ${known}.`);
      }
      return tokens.idToken(person, ttl === undefined ? {} : { ttlSeconds: ttl });
    },
    close: () => listener.close(),
  };
}
