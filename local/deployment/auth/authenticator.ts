/**
 * Turns credentials into a `Caller`; both doors ask here. Providers are asked for at call time, so that a push takes
 * effect for the next token. Throws `RequestError`: 401 for a bad credential, 503 when a provider cannot be reached.
 */
import type { AuthProviders, Caller } from "../engine.ts";
import type { Json } from "../values/json.ts";
import { actingAs, adminCaller } from "./admin-key.ts";
import { SigningKeys } from "./signing-keys.ts";
import { userCaller } from "./token.ts";

export class Authenticator {
  readonly #keys = new SigningKeys();

  constructor(
    private readonly adminKey: string,
    private readonly providers: () => AuthProviders,
  ) {}

  user(token: string): Promise<Caller> {
    return userCaller(token, this.providers().providers, this.#keys);
  }

  /** `credential` may carry an identity to act as; `impersonating` is the same on the WebSocket. */
  admin(credential: string, impersonating?: Json): Caller {
    const caller = adminCaller(credential, this.adminKey);
    if (impersonating === undefined) return caller;
    return { kind: "admin", actingAs: actingAs(impersonating) };
  }
}
