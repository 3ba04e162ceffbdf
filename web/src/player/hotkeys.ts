/** The player's keys, as people know them from other players. Pure: says what a key means, does nothing. */
export type PlayerCommand =
  | { kind: "toggle-play" }
  | { kind: "seek-by"; seconds: number }
  | { kind: "seek-to-share"; share: number }
  | { kind: "volume-by"; amount: number }
  | { kind: "toggle-mute" }
  | { kind: "toggle-captions" }
  | { kind: "toggle-fullscreen" }
  | { kind: "toggle-pip" }
  | { kind: "rate-by"; amount: number }
  | { kind: "step-frame"; direction: 1 | -1 }
  | { kind: "scene"; direction: 1 | -1 }
  | { kind: "help" };

export interface Shortcut {
  keys: string[];
  label: string;
  command: PlayerCommand;
}

/** What the help sheet lists, in its order. Digits are handled apart. */
export const SHORTCUTS: Shortcut[] = [
  { keys: [" ", "k"], label: "Play or pause", command: { kind: "toggle-play" } },
  { keys: ["j"], label: "Back 10 seconds", command: { kind: "seek-by", seconds: -10 } },
  { keys: ["l"], label: "Forward 10 seconds", command: { kind: "seek-by", seconds: 10 } },
  { keys: ["ArrowLeft"], label: "Back 5 seconds", command: { kind: "seek-by", seconds: -5 } },
  { keys: ["ArrowRight"], label: "Forward 5 seconds", command: { kind: "seek-by", seconds: 5 } },
  { keys: ["b"], label: "Previous scene", command: { kind: "scene", direction: -1 } },
  { keys: ["n"], label: "Next scene", command: { kind: "scene", direction: 1 } },
  { keys: ["Home"], label: "To the beginning", command: { kind: "seek-to-share", share: 0 } },
  { keys: ["End"], label: "To the end", command: { kind: "seek-to-share", share: 1 } },
  { keys: [","], label: "One frame back", command: { kind: "step-frame", direction: -1 } },
  { keys: ["."], label: "One frame on", command: { kind: "step-frame", direction: 1 } },
  { keys: ["ArrowUp"], label: "Louder", command: { kind: "volume-by", amount: 0.05 } },
  { keys: ["ArrowDown"], label: "Quieter", command: { kind: "volume-by", amount: -0.05 } },
  { keys: ["m"], label: "Mute", command: { kind: "toggle-mute" } },
  { keys: ["<"], label: "Slower", command: { kind: "rate-by", amount: -0.25 } },
  { keys: [">"], label: "Faster", command: { kind: "rate-by", amount: 0.25 } },
  { keys: ["c"], label: "Captions", command: { kind: "toggle-captions" } },
  { keys: ["f"], label: "Full screen", command: { kind: "toggle-fullscreen" } },
  { keys: ["p"], label: "Picture in picture", command: { kind: "toggle-pip" } },
  { keys: ["?"], label: "This list", command: { kind: "help" } },
];

const BY_KEY = new Map(SHORTCUTS.flatMap(({ keys, command }) => keys.map((key) => [key, command] as const)));

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** What sits under the focus: typing is never a shortcut, and a focused control keeps its own keys. */
export type FocusTarget = "text" | "button" | "range" | "other";

export function commandFor(press: KeyPress, focus: FocusTarget): PlayerCommand | undefined {
  if (press.ctrlKey || press.metaKey || press.altKey || focus === "text") return undefined;
  if (focus === "button" && (press.key === " " || press.key === "Enter")) return undefined;
  if (focus === "range" && /^(Arrow|Home|End|Page)/.test(press.key)) return undefined;
  if (/^[0-9]$/.test(press.key)) return { kind: "seek-to-share", share: Number(press.key) / 10 };
  return BY_KEY.get(press.key.length === 1 ? press.key.toLowerCase() : press.key);
}

export function focusTargetOf(element: Element | null): FocusTarget {
  if (!element) return "other";
  if (element.closest("input, textarea, select, [contenteditable=''], [contenteditable=true]")) return "text";
  if (element.closest("media-time-range, media-volume-range, [role=slider], [role=tablist], [role=menu]")) {
    return "range";
  }
  if (element.closest("a[href], button, summary, [role=button], [role=menuitem]")) return "button";
  return /^media-.*-button$/.test(element.localName) ? "button" : "other";
}
