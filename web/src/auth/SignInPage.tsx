import { Button } from "@mantine/core";
import { LogIn } from "lucide-react";
import { useState } from "react";
import { Mark } from "../shell/Mark.tsx";
import { useTitle } from "../ui/useTitle.ts";
import styles from "./SignInPage.module.css";
import { useSignIn } from "./SignInContext.tsx";

/** `refused`: the issuer knows this person, the deployment does not accept its token. */
export function SignInPage({ refused = false }: { refused?: boolean }) {
  useTitle("Sign in");
  const signIn = useSignIn();
  const [fault, setFault] = useState<string>();
  const [leaving, setLeaving] = useState(false);

  const start = async (): Promise<void> => {
    setLeaving(true);
    setFault(undefined);
    try {
      await signIn.start(location.pathname + location.search);
    } catch (error) {
      setLeaving(false);
      setFault(error instanceof Error ? error.message : String(error));
    }
  };

  return (
    <main className={styles["page"]}>
      <div className={styles["frames"]} aria-hidden="true">
        <span data-kind="ready" />
        <span data-kind="ready" />
        <span data-kind="rendering" />
        <span data-kind="planned" />
        <span data-kind="planned" />
      </div>
      <div className={styles["card"]}>
        <Mark size={44} />
        <h1>Reelsync</h1>
        <p>Watch a video while it is still being rendered, scene by scene.</p>
        <Button
          size="md"
          fullWidth
          leftSection={<LogIn size={18} />}
          loading={leaving}
          onClick={() => void start()}
        >
          Sign in
        </Button>
        {fault !== undefined && (
          <p className={styles["fault"]} role="alert">
            The sign-in service cannot be reached. Check your connection and try again. ({fault})
          </p>
        )}
        {refused && (
          <p className={styles["fault"]} role="alert">
            You are signed in, but this deployment does not accept the sign-in service&apos;s token. Sign in
            again; if that does not help, its operator has to compare AUTH_PROVIDERS with the issuer.
          </p>
        )}
      </div>
    </main>
  );
}
