import { ActionIcon, Button, Menu } from "@mantine/core";
import { ChevronDown, GitCompareArrows } from "lucide-react";
import { HOUR, MINUTE } from "../../../contract/limits.ts";
import styles from "./StartRun.module.css";

interface Props {
  busy: boolean;
  isRunning: boolean;
  /** Without a value the usual grace of a day holds. */
  onStart: (graceMs?: number) => void;
}

/** Shorter than a day only when somebody says so: the younger a thing, the likelier it is merely on its way. */
const SHORTER: { label: string; graceMs: number }[] = [
  { label: "Older than an hour", graceMs: HOUR },
  { label: "Older than ten minutes", graceMs: 10 * MINUTE },
  { label: "Everything, even this moment's", graceMs: 0 },
];

export function StartRun({ busy, isRunning, onStart }: Props) {
  return (
    <div className={styles["group"]}>
      <Button
        leftSection={<GitCompareArrows size={17} />}
        loading={busy}
        disabled={isRunning}
        onClick={() => onStart()}
        data-testid="start-run"
      >
        {isRunning ? "Comparing…" : "Compare now"}
      </Button>
      <Menu position="bottom-end" width={300} disabled={isRunning || busy}>
        <Menu.Target>
          <ActionIcon
            variant="filled"
            color="sync"
            size={36}
            disabled={isRunning || busy}
            aria-label="Compare younger things too"
            data-testid="start-run-options"
          >
            <ChevronDown size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Compare what is</Menu.Label>
          <Menu.Item onClick={() => onStart()}>Older than a day (as usual)</Menu.Item>
          {SHORTER.map(({ label, graceMs }) => (
            <Menu.Item key={graceMs} onClick={() => onStart(graceMs)}>
              {label}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <p className={styles["hint"]}>
            Young uploads may show up as drift and be fine a minute later. Nothing is repaired without another
            check.
          </p>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
