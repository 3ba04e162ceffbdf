import { useConvexAuth } from "convex/react";
import type { ReactNode } from "react";
import { StartingPage } from "../shell/StartingPage.tsx";
import { SignInPage } from "./SignInPage.tsx";
import { useSignInState } from "./SignInContext.tsx";

/** Lets in whoever the deployment itself has recognised, and nobody earlier. */
export function AuthGate({ children }: { children: ReactNode }) {
  const signIn = useSignInState();
  const { isLoading, isAuthenticated } = useConvexAuth();
  if (signIn.kind === "signed-out") return <SignInPage />;
  if (isAuthenticated) return children;
  if (isLoading || signIn.kind === "loading") return <StartingPage />;
  return <SignInPage refused />;
}
