import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { StartingPage } from "../shell/StartingPage.tsx";
import { Notice } from "../ui/Notice.tsx";
import type { SignIn } from "./sign-in.ts";
import { useSignIn } from "./SignInContext.tsx";

/** A code is good for one exchange, and effects may run twice. */
let exchange: Promise<string> | undefined;

function finishOnce(signIn: SignIn): Promise<string> {
  exchange ??= signIn.finish().finally(() => (exchange = undefined));
  return exchange;
}

export function CallbackPage() {
  const signIn = useSignIn();
  const [, navigate] = useLocation();
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    let left = false;
    finishOnce(signIn).then(
      (path) => !left && navigate(path, { replace: true }),
      (error: unknown) => !left && setFault(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      left = true;
    };
  }, [signIn, navigate]);
  if (fault === undefined) return <StartingPage />;
  return (
    <main>
      <Notice
        isPage
        title="Signing in did not work"
        tone="failed"
        actions={<Button onClick={() => void signIn.start("/")}>Try again</Button>}
      >
        <p>The sign-in service answered: {fault}</p>
        <p>Nothing was changed. If it happens again, ask whoever runs this deployment.</p>
      </Notice>
    </main>
  );
}
