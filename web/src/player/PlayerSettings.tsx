import { Menu } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { Check, Keyboard, Settings } from "lucide-react";
import styles from "./Player.module.css";
import { AUTOPLAY_KEY } from "./keep-memory.ts";

/** Drawn inside the player, so that full screen shows it too. */
export function PlayerSettings({ onShortcuts }: { onShortcuts: () => void }) {
  const [autoplay, setAutoplay] = useLocalStorage({ key: AUTOPLAY_KEY, defaultValue: false });
  return (
    <Menu position="top-end" offset={10} withinPortal={false} width={240} closeOnItemClick={false}>
      <Menu.Target>
        <button type="button" className={styles["gear"]} aria-label="Player settings" title="Player settings">
          <Settings size={19} />
        </button>
      </Menu.Target>
      <Menu.Dropdown className={styles["menu"]}>
        <Menu.Item
          role="menuitemcheckbox"
          aria-checked={autoplay}
          rightSection={autoplay ? <Check size={16} aria-hidden="true" /> : null}
          onClick={() => setAutoplay(!autoplay)}
        >
          Play on opening, muted
        </Menu.Item>
        <Menu.Item leftSection={<Keyboard size={16} />} closeMenuOnClick onClick={onShortcuts}>
          Keyboard shortcuts
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
