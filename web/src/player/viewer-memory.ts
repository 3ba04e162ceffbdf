/**
 * What a viewer would not want to set again: the place in each session, and volume, speed and captions, which a session
 * not seen before takes over from the last one. Local to this browser.
 */
export interface PlayerSettings {
  volume: number;
  muted: boolean;
  rate: number;
  captions: boolean;
}

export interface SessionMemory extends PlayerSettings {
  /** A scene and the seconds into it; times on the reel move while it grows. */
  place?: { sceneId: string; offset: number };
  at: number;
}

type Store = Pick<Storage, "getItem" | "setItem">;

const KEY = "reelsync.player";
/** Sessions remembered; the one not seen for longest goes first. */
const MAX_SESSIONS = 60;

const DEFAULTS: PlayerSettings = { volume: 1, muted: false, rate: 1, captions: false };

interface Remembered {
  last: PlayerSettings;
  sessions: Record<string, SessionMemory>;
}

export function recall(store: Store, sessionId: string): SessionMemory {
  const { last, sessions } = read(store);
  return { ...DEFAULTS, ...last, at: 0, ...sessions[sessionId] };
}

export function remember(store: Store, sessionId: string, memory: Omit<SessionMemory, "at">): void {
  const { sessions } = read(store);
  const { volume, muted, rate, captions } = memory;
  const next: Remembered = {
    last: { volume, muted, rate, captions },
    sessions: newest({ ...sessions, [sessionId]: { ...memory, at: Date.now() } }),
  };
  try {
    store.setItem(KEY, JSON.stringify(next));
  } catch {
    // Full or forbidden: playing goes on, only nothing is remembered.
  }
}

function newest(sessions: Record<string, SessionMemory>): Record<string, SessionMemory> {
  const entries = Object.entries(sessions).sort(([, a], [, b]) => b.at - a.at);
  return Object.fromEntries(entries.slice(0, MAX_SESSIONS));
}

function read(store: Store): Remembered {
  const empty: Remembered = { last: DEFAULTS, sessions: {} };
  try {
    const found: unknown = JSON.parse(store.getItem(KEY) ?? "null");
    return isRemembered(found) ? found : empty;
  } catch {
    return empty;
  }
}

function isRemembered(found: unknown): found is Remembered {
  return (
    typeof found === "object" &&
    found !== null &&
    "last" in found &&
    typeof found.last === "object" &&
    "sessions" in found &&
    typeof found.sessions === "object"
  );
}
