/**
 * Signing in with OpenID Connect: authorization code with PKCE, the session kept by a refresh token. Hands out id
 * tokens and knows nothing of Convex.
 */
import { ErrorResponse, UserManager, WebStorageStateStore, type User } from "oidc-client-ts";
import type { RuntimeConfig } from "../config.ts";

export const CALLBACK_PATH = "/signin/callback";

export type SignInState =
  | { kind: "loading" }
  | { kind: "signed-out" }
  | { kind: "signed-in"; tokenIdentifier: string; name: string; email: string | undefined };

export class SignIn {
  readonly #manager: UserManager;
  readonly #listeners = new Set<() => void>();
  #state: SignInState = { kind: "loading" };
  #refreshing: Promise<User | null> | undefined;

  constructor({ oidc }: RuntimeConfig) {
    this.#manager = new UserManager({
      authority: oidc.authority,
      client_id: oidc.clientId,
      redirect_uri: `${location.origin}${CALLBACK_PATH}`,
      post_logout_redirect_uri: `${location.origin}/`,
      response_type: "code",
      scope: "openid profile email offline_access",
      userStore: new WebStorageStateStore({ store: localStorage, prefix: "reelsync.oidc." }),
      // Tokens are fetched when Convex asks for one, never on a timer of their own.
      automaticSilentRenew: false,
      monitorSession: false,
      loadUserInfo: false,
    });
    this.#manager.events.addUserLoaded((user) => this.#show(user));
    this.#manager.events.addUserUnloaded(() => this.#show(null));
    this.#manager.getUser().then(
      (user) => this.#show(user),
      () => this.#show(null),
    );
  }

  get state(): SignInState {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Leaves the page for the issuer; comes back to `returnTo`. */
  async start(returnTo: string): Promise<void> {
    await this.#manager.signinRedirect({ state: { returnTo } });
  }

  /** Back from the issuer: the path to go on to. */
  async finish(): Promise<string> {
    const user = await this.#manager.signinCallback();
    const state = user?.state as { returnTo?: string } | undefined;
    // Only paths of this site: a crafted state must not send anybody elsewhere.
    return state?.returnTo?.startsWith("/") && !state.returnTo.startsWith("//") ? state.returnTo : "/";
  }

  async end(): Promise<void> {
    const user = await this.#manager.getUser();
    await this.#manager.removeUser();
    const hasEndSession = await this.#manager.metadataService.getEndSessionEndpoint().catch(() => undefined);
    if (hasEndSession && user?.id_token) {
      await this.#manager.signoutRedirect({ id_token_hint: user.id_token });
    }
  }

  /** Null when the person has to sign in again. */
  async idToken({ fresh }: { fresh: boolean }): Promise<string | null> {
    const user = await this.#manager.getUser();
    if (!user) return null;
    if (!fresh && !isExpired(user)) return user.id_token ?? null;
    return (await this.#refresh(user))?.id_token ?? null;
  }

  #refresh(stale: User): Promise<User | null> {
    this.#refreshing ??= this.#exclusively(() => this.#refreshOnce(stale)).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshOnce(stale: User): Promise<User | null> {
    // Another tab may have been first, and a refresh token is good for one use only.
    const stored = await this.#manager.getUser();
    if (stored && stored.id_token !== stale.id_token && !isExpired(stored)) return stored;
    if (!stored?.refresh_token) return stored && !isExpired(stored) ? stored : null;
    try {
      return await this.#manager.signinSilent();
    } catch (error) {
      if (error instanceof ErrorResponse) {
        await this.#manager.removeUser();
        return null;
      }
      // The issuer cannot be reached; what we hold may still be good.
      return isExpired(stored) ? null : stored;
    }
  }

  async #exclusively<T>(task: () => Promise<T>): Promise<T> {
    // Web locks exist in secure contexts only; a plain http address on a local network is none.
    if (!("locks" in navigator)) return task();
    return navigator.locks.request("reelsync.oidc.refresh", task);
  }

  #show(user: User | null): void {
    const next = describeUser(user);
    if (JSON.stringify(next) === JSON.stringify(this.#state)) return;
    this.#state = next;
    for (const listener of this.#listeners) listener();
  }
}

function describeUser(user: User | null): SignInState {
  if (!user) return { kind: "signed-out" };
  const { iss, sub, name, email } = user.profile;
  return { kind: "signed-in", tokenIdentifier: `${iss}|${sub}`, name: name ?? email ?? sub, email };
}

/** The access token's expiry says nothing about the id token, which is the one Convex checks. */
function isExpired(user: User): boolean {
  return user.profile.exp * 1000 <= Date.now() + 5_000;
}
