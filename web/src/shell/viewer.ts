/** Who is signed in, and the tenant whose things the pages show. */
import { createContext, use } from "react";
import type { Role } from "../../../contract/session.ts";

export interface Membership {
  tenantId: string;
  slug: string;
  name: string;
  role: Role;
}

export interface Viewer {
  name: string;
  email: string | undefined;
  memberships: Membership[];
  tenant: Membership;
  chooseTenant: (tenantId: string) => void;
}

export const ViewerContext = createContext<Viewer | null>(null);

export function useViewer(): Viewer {
  const viewer = use(ViewerContext);
  if (!viewer) throw new Error("useViewer is used outside of Pages");
  return viewer;
}

export function isAdmin({ role }: Membership): boolean {
  return role === "owner" || role === "admin";
}
