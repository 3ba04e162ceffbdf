import { Button } from "@mantine/core";
import { ShieldAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { Notice } from "../ui/Notice.tsx";
import { useTitle } from "../ui/useTitle.ts";
import { isAdmin, useViewer } from "./viewer.ts";

/** Renders, and so asks the server for, nothing unless the viewer is an admin here. The server checks again. */
export function AdminOnly({ children }: { children: ReactNode }) {
  const { tenant } = useViewer();
  return isAdmin(tenant) ? children : <NotAllowed />;
}

function NotAllowed() {
  useTitle("Not allowed");
  const { tenant } = useViewer();
  return (
    <Notice
      isPage
      title="This page is for admins"
      icon={<ShieldAlert size={24} />}
      testId="not-allowed"
      actions={
        <Button component={Link} href="/sessions" variant="default">
          Back to sessions
        </Button>
      }
    >
      <p>
        In {tenant.name} you are {tenant.role === "editor" ? "an editor" : "a viewer"}. Ask one of its owners
        to make you an admin.
      </p>
    </Notice>
  );
}
