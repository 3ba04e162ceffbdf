import { Modal } from "@mantine/core";
import { SHORTCUTS } from "./hotkeys.ts";
import styles from "./ShortcutSheet.module.css";

const NAMES: Record<string, string> = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
};

export function ShortcutSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard shortcuts" size="lg">
      <dl className={styles["list"]} data-testid="shortcuts">
        {SHORTCUTS.map(({ keys, label }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key)}</kbd>
              ))}
            </dd>
          </div>
        ))}
        <div>
          <dt>To a tenth of the reel</dt>
          <dd>
            <kbd>0</kbd>–<kbd>9</kbd>
          </dd>
        </div>
      </dl>
    </Modal>
  );
}
