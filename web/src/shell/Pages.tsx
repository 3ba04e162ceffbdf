import { useLocalStorage } from "@mantine/hooks";
import { useQuery } from "convex/react";
import { lazy, Suspense, useMemo } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { api } from "../../../convex/_generated/api";
import { AssetUrlsProvider } from "../media/AssetUrls.tsx";
import { SessionListPage } from "../sessions/SessionListPage.tsx";
import { ErrorBoundary } from "../ui/ErrorBoundary.tsx";
import { AdminOnly } from "./AdminOnly.tsx";
import { NoMembershipPage } from "./NoMembershipPage.tsx";
import { NotFoundPage } from "./NotFoundPage.tsx";
import { Shell } from "./Shell.tsx";
import { StartingPage } from "./StartingPage.tsx";
import { ViewerContext, type Membership, type Viewer } from "./viewer.ts";

const SessionPage = lazy(() => import("../sessions/SessionPage.tsx"));
const AgentsPage = lazy(() => import("../admin/AgentsPage.tsx"));
const ReconcilePage = lazy(() => import("../admin/ReconcilePage.tsx"));
const DeadLettersPage = lazy(() => import("../admin/DeadLettersPage.tsx"));

export function Pages() {
  const [path] = useLocation();
  return (
    <ErrorBoundary resetKey={path}>
      <Membered />
    </ErrorBoundary>
  );
}

function Membered() {
  const me = useQuery(api.viewer.me);
  const [chosen, setChosen] = useLocalStorage({ key: "reelsync.tenant", defaultValue: "" });
  const [path] = useLocation();
  const viewer = useMemo((): Viewer | null => {
    if (!me) return null;
    // An agent's token never reaches a browser, so every role here is a person's.
    const memberships = me.tenants.filter(
      (tenant): tenant is typeof tenant & Membership => tenant.role !== "agent",
    );
    const tenant = memberships.find(({ tenantId }) => tenantId === chosen) ?? memberships[0];
    return tenant ? { name: me.name, email: me.email, memberships, tenant, chooseTenant: setChosen } : null;
  }, [me, chosen, setChosen]);

  if (!me) return <StartingPage />;
  if (!viewer) return <NoMembershipPage />;
  return (
    <ViewerContext value={viewer}>
      <AssetUrlsProvider>
        <Shell>
          <ErrorBoundary resetKey={path}>
            <Suspense fallback={null}>
              <Switch>
                <Route path="/">
                  <Redirect to="/sessions" replace />
                </Route>
                <Route path="/sessions">
                  <SessionListPage key={viewer.tenant.tenantId} />
                </Route>
                <Route path="/sessions/:sessionId">
                  {({ sessionId }) => <SessionPage key={sessionId} sessionId={sessionId} />}
                </Route>
                <Route path="/admin/agents">
                  <AdminOnly>
                    <AgentsPage key={viewer.tenant.tenantId} />
                  </AdminOnly>
                </Route>
                <Route path="/admin/reconcile">
                  <AdminOnly>
                    <ReconcilePage key={viewer.tenant.tenantId} />
                  </AdminOnly>
                </Route>
                <Route path="/admin/dead-letters">
                  <AdminOnly>
                    <DeadLettersPage key={viewer.tenant.tenantId} />
                  </AdminOnly>
                </Route>
                <Route>
                  <NotFoundPage />
                </Route>
              </Switch>
            </Suspense>
          </ErrorBoundary>
        </Shell>
      </AssetUrlsProvider>
    </ViewerContext>
  );
}
