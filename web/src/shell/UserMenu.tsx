import { Menu } from "@mantine/core";
import { Check, LogOut } from "lucide-react";
import { useSignIn } from "../auth/SignInContext.tsx";
import styles from "./UserMenu.module.css";
import { useViewer } from "./viewer.ts";

export function UserMenu() {
  const signIn = useSignIn();
  const { name, email, memberships, tenant, chooseTenant } = useViewer();
  const letters = initials(name);
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        {/* The letters are in the name too: who says what they see must reach it. */}
        <button type="button" className={styles["avatar"]} aria-label={`${letters}, ${name}, account menu`}>
          {letters}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={styles["who"]}>
          <strong>{name}</strong>
          {email && <span>{email}</span>}
        </div>
        <Menu.Divider />
        <Menu.Label>{memberships.length > 1 ? "Show the sessions of" : "Member of"}</Menu.Label>
        {memberships.map(({ tenantId, name: tenantName, role }) => (
          <Menu.Item
            key={tenantId}
            onClick={() => chooseTenant(tenantId)}
            rightSection={tenantId === tenant.tenantId ? <Check size={16} aria-label="chosen" /> : null}
          >
            {tenantName} <span className={styles["role"]}>{role}</span>
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} />} onClick={() => void signIn.end()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => String.fromCodePoint(word?.codePointAt(0) ?? 0x20))
    .join("")
    .toUpperCase();
}
