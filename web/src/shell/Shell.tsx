import type { ReactNode } from "react";
import { Link, useRoute } from "wouter";
import { ColorSchemeMenu } from "./ColorSchemeMenu.tsx";
import { Mark } from "./Mark.tsx";
import { RealtimeBadge } from "./RealtimeBadge.tsx";
import styles from "./Shell.module.css";
import { UserMenu } from "./UserMenu.tsx";
import { isAdmin, useViewer } from "./viewer.ts";

export function Shell({ children }: { children: ReactNode }) {
  const { tenant } = useViewer();
  return (
    <div className={styles["shell"]}>
      <a href="#content" className={styles["skip"]}>
        Skip to content
      </a>
      <header className={styles["header"]}>
        <Link href="/sessions" className={styles["brand"]} aria-label="Reelsync, sessions">
          <Mark size={26} />
          <span>Reelsync</span>
        </Link>
        <nav className={styles["nav"]} aria-label="Main">
          <NavItem href="/sessions" also="/sessions/:id">
            Sessions
          </NavItem>
          {isAdmin(tenant) && (
            <>
              <NavItem href="/admin/agents">Agents</NavItem>
              <NavItem href="/admin/reconcile">Reconcile</NavItem>
              <NavItem href="/admin/dead-letters">Dead letters</NavItem>
            </>
          )}
        </nav>
        <div className={styles["tools"]}>
          <RealtimeBadge />
          <ColorSchemeMenu />
          <UserMenu />
        </div>
      </header>
      <main id="content" className={styles["content"]} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function NavItem({ href, also, children }: { href: string; also?: string; children: string }) {
  const [isHere] = useRoute(href);
  const [isBelow] = useRoute(also ?? href);
  return (
    <Link href={href} aria-current={isHere ? "page" : isBelow ? "true" : undefined}>
      {children}
    </Link>
  );
}
