import { Button } from "@mantine/core";
import { UserRoundX } from "lucide-react";
import { useSignIn, useSignInState } from "../auth/SignInContext.tsx";
import { CodeBlock } from "../ui/CodeBlock.tsx";
import { Notice } from "../ui/Notice.tsx";
import { useTitle } from "../ui/useTitle.ts";

/** Signed in, member of nothing. The page updates by itself the moment somebody adds the person. */
export function NoMembershipPage() {
  useTitle("No access yet");
  const signIn = useSignIn();
  const state = useSignInState();
  if (state.kind !== "signed-in") return null;
  const { tokenIdentifier, name, email } = state;
  const member = { tokenIdentifier, name, email: email ?? "", role: "viewer" };
  const args = JSON.stringify({ tenant: "studio", tenantName: "Studio", members: [member] });
  return (
    <main>
      <Notice
        isPage
        title="You are signed in, but not a member yet"
        icon={<UserRoundX size={24} />}
        testId="no-membership"
        actions={
          <Button variant="default" onClick={() => void signIn.end()}>
            Sign out
          </Button>
        }
      >
        <p>
          Send your identifier to whoever runs this deployment. As soon as you are added, this page opens by
          itself.
        </p>
        <CodeBlock title="Your identifier" code={tokenIdentifier} />
        <CodeBlock title="What the operator runs" code={`npx convex run setup:bootstrap '${args}'`} />
      </Notice>
    </main>
  );
}
