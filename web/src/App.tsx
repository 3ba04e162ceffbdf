import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { ConvexProviderWithAuth, ConvexReactClient } from "convex/react";
import { useState } from "react";
import { Route, Switch } from "wouter";
import { AuthGate } from "./auth/AuthGate.tsx";
import { CallbackPage } from "./auth/CallbackPage.tsx";
import { CALLBACK_PATH, type SignIn } from "./auth/sign-in.ts";
import { SignInProvider, useConvexTokens } from "./auth/SignInContext.tsx";
import type { RuntimeConfig } from "./config.ts";
import { Pages } from "./shell/Pages.tsx";
import { theme } from "./theme.ts";

const colorSchemeManager = localStorageColorSchemeManager({ key: "reelsync.color-scheme" });

export function App({ config, signIn }: { config: RuntimeConfig; signIn: SignIn }) {
  const [convex] = useState(() => new ConvexReactClient(config.convexUrl));
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={colorSchemeManager}>
      <Notifications position="bottom-right" autoClose={6000} />
      <SignInProvider value={signIn}>
        <ConvexProviderWithAuth client={convex} useAuth={useConvexTokens}>
          <Switch>
            <Route path={CALLBACK_PATH}>
              <CallbackPage />
            </Route>
            <Route>
              <AuthGate>
                <Pages />
              </AuthGate>
            </Route>
          </Switch>
        </ConvexProviderWithAuth>
      </SignInProvider>
    </MantineProvider>
  );
}
