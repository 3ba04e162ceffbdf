import { createContext, use, useCallback, useMemo, useSyncExternalStore } from "react";
import type { SignIn, SignInState } from "./sign-in.ts";

const Context = createContext<SignIn | null>(null);

export const SignInProvider = Context.Provider;

export function useSignIn(): SignIn {
  const signIn = use(Context);
  if (!signIn) throw new Error("useSignIn is used outside of SignInProvider");
  return signIn;
}

export function useSignInState(): SignInState {
  const signIn = useSignIn();
  return useSyncExternalStore(
    (onChange) => signIn.subscribe(onChange),
    () => signIn.state,
  );
}

/** What ConvexProviderWithAuth asks of an identity provider. */
export function useConvexTokens(): {
  isLoading: boolean;
  isAuthenticated: boolean;
  fetchAccessToken: (options: { forceRefreshToken: boolean }) => Promise<string | null>;
} {
  const signIn = useSignIn();
  const { kind } = useSignInState();
  const fetchAccessToken = useCallback(
    ({ forceRefreshToken }: { forceRefreshToken: boolean }) => signIn.idToken({ fresh: forceRefreshToken }),
    [signIn],
  );
  return useMemo(
    () => ({ isLoading: kind === "loading", isAuthenticated: kind === "signed-in", fetchAccessToken }),
    [kind, fetchAccessToken],
  );
}
