/** What one seed stands for: what is uploaded where, and what goes wrong meanwhile. Pure: the same seed is the same schedule. */
import type { AssetType } from "../../contract/asset.ts";
import { MIB } from "../../contract/limits.ts";
import { seededRandom, type Random } from "./random.ts";

/** One call an agent makes. */
export interface Wish {
  id: number;
  /** Place among the schedule's scenes; null is the session itself. */
  scene: number | null;
  assetType: AssetType;
  chunkIndex: number;
  fileName: string;
  content: number;
  size: number;
  source: "buffer" | "file" | "stream";
  timeoutMs: number;
}

export const FAULTS = [
  "status500",
  "status503",
  "status429",
  "breakBefore",
  "cutRequest",
  "loseReply",
  "cutReply",
  "ghost",
  "duplicate",
  "delay",
] as const;
export type FaultKind = (typeof FAULTS)[number];

export const EVENTS = [
  "killBefore",
  "killAfter",
  "restartConvex",
  "restartS3",
  "refuseConvex",
  "refuseS3",
] as const;
export type EventKind = (typeof EVENTS)[number];

/** Something that happens once, when the agents' n-th request reaches a door. */
export interface TimedEvent {
  kind: EventKind;
  atExchange: number;
  downMs: number;
}

export interface Schedule {
  seed: number;
  scenes: number;
  wishes: Wish[];
  /** Whether the calls for one slot are made at once instead of one after the other. */
  racing: boolean;
  /** Which faults occur, and how often an exchange meets one. */
  faults: { kinds: FaultKind[]; rate: number };
  events: TimedEvent[];
  agent: {
    mode: "queue" | "strict";
    /** How wrong the clock of each of its lives is, in turn. */
    clockSkewsMs: number[];
    /** A folder for dead letters that cannot be written stands for a full disk. */
    spool: "writable" | "full";
    disk: DiskTrouble;
    /** Lives it is ended after although nobody killed it. */
    restarts: number;
    /** What is damaged in the journal of a life that has ended. */
    damage: Damage | null;
    /** Whether another process drains the journal of a dead one at the same time as the next life. */
    takenOver: boolean;
    /** Whether a life ends by sending what waits. */
    drains: boolean;
    multipartThreshold: number;
    s3Attempts: number;
    /** Whether letters are also replayed while things still go wrong. */
    replaysEarly: boolean;
    /** What becomes of dead letters when everything works again. */
    letters: "replay" | "leave";
    signParts: "always" | "never";
  };
}

/** Counted in operations on the journal and the letters that write. */
export interface DiskTrouble {
  /** From this one on there is no room, in every life but the last. */
  fullFrom: number | null;
  /** For this many. */
  fullFor: number;
  /** At this one the first life is killed. */
  killAt: number | null;
}

export const DAMAGES = ["entry", "lease", "parts", "bytes"] as const;
export type Damage = (typeof DAMAGES)[number];

interface Slot {
  scene: number | null;
  assetType: AssetType;
  chunkIndex: number;
  fileName: string;
}

const SCENE_SLOTS: readonly Omit<Slot, "scene">[] = [
  { assetType: "video_chunk", chunkIndex: 0, fileName: "take.mp4" },
  { assetType: "video_chunk", chunkIndex: 1, fileName: "take.mp4" },
  { assetType: "video_chunk", chunkIndex: 2, fileName: "take.mp4" },
  { assetType: "subtitle", chunkIndex: 0, fileName: "words.srt" },
  { assetType: "thumbnail", chunkIndex: 0, fileName: "still.jpg" },
  { assetType: "source_code", chunkIndex: 0, fileName: "scene.py" },
];
const SESSION_SLOTS: readonly Omit<Slot, "scene">[] = [
  { assetType: "manifest", chunkIndex: 0, fileName: "manifest.json" },
  { assetType: "thumbnail", chunkIndex: 0, fileName: "cover.jpg" },
];

const MINUTE_MS = 60_000;

export function drawSchedule(seed: number): Schedule {
  const random = seededRandom("schedule", seed);
  const scenes = random.int(1, 3);
  const wishes = drawWishes(random, scenes);
  return {
    seed,
    scenes,
    wishes,
    racing: random.chance(0.2),
    // A few kinds at a time: when everything fails a little, the rarer combinations never get room.
    faults: {
      kinds: random.shuffled(FAULTS).slice(0, random.int(1, 5)),
      rate: random.pick([0, 0.05, 0.15, 0.3, 0.5]),
    },
    events: drawEvents(random, wishes.length),
    agent: {
      mode: random.chance(0.6) ? "queue" : "strict",
      clockSkewsMs: drawSkews(random),
      spool: random.chance(0.06) ? "full" : "writable",
      disk: {
        fullFrom: random.chance(0.12) ? random.int(1, 20) : null,
        fullFor: random.pick([1, 4, 1_000]),
        killAt: random.chance(0.12) ? random.int(1, 30) : null,
      },
      restarts: random.pick([0, 0, 1, 2]),
      damage: random.chance(0.2) ? random.pick(DAMAGES) : null,
      takenOver: random.chance(0.3),
      drains: random.chance(0.5),
      multipartThreshold: 5 * MIB,
      s3Attempts: random.int(1, 3),
      replaysEarly: random.chance(0.4),
      letters: random.chance(0.7) ? "replay" : "leave",
      signParts: random.chance(0.5) ? "always" : "never",
    },
  };
}

function drawSkews(random: Random): number[] {
  const skew = () => random.pick([-20, -15, -14, 0, 14, 15, 20]) * MINUTE_MS;
  return random.chance(0.3) ? [skew(), skew()] : [0];
}

function drawWishes(random: Random, scenes: number): Wish[] {
  const count = random.int(3, 9);
  const slots = drawSlots(random, scenes);
  const areLarge = random.chance(0.15);
  const sizes = new Map<number, number>();
  const wishes: Wish[] = [];
  for (let id = 0; id < count; id++) {
    // Few contents for several places: repeats in one slot, returns to an older one, and objects that two slots share.
    const content = random.int(0, 4);
    const size = sizes.get(content) ?? drawSize(random, areLarge);
    sizes.set(content, size);
    wishes.push({
      id,
      ...random.pick(slots),
      content,
      size,
      source: random.pick(["buffer", "file", "file", "stream"]),
      timeoutMs: random.pick([700, 1_400, 2_800]),
    });
  }
  return wishes;
}

/** Fewer slots than wishes, so that versions follow one another. */
function drawSlots(random: Random, scenes: number): Slot[] {
  const all: Slot[] = SESSION_SLOTS.map((slot) => ({ ...slot, scene: null }));
  for (let scene = 0; scene < scenes; scene++) all.push(...SCENE_SLOTS.map((slot) => ({ ...slot, scene })));
  return random.shuffled(all).slice(0, random.int(1, 4));
}

/** In a few schedules most go up in parts: what is hashed while it is sent meets every kind of trouble, and its like. */
function drawSize(random: Random, areLarge: boolean): number {
  if (random.chance(areLarge ? 0.5 : 0.04)) return 5 * MIB + random.int(1, 100_000);
  if (random.chance(areLarge ? 0.3 : 0.015)) return 16 * MIB + random.int(1, 100_000);
  return random.pick([1, random.int(2, 1_000), random.int(1_000, 200_000)]);
}

function drawEvents(random: Random, wishes: number): TimedEvent[] {
  const events: TimedEvent[] = [];
  const last = 8 + wishes * 4;
  for (let left = random.pick([0, 0, 1, 1, 2, 3]); left > 0; left--) {
    events.push({
      kind: random.pick(EVENTS),
      atExchange: random.int(1, last),
      downMs: random.int(0, 500),
    });
  }
  return events;
}

/** Slots are told apart by this. */
export function slotOf({
  scene,
  assetType,
  chunkIndex,
}: Pick<Wish, "scene" | "assetType" | "chunkIndex">): string {
  return `${scene ?? "session"}/${assetType}/${chunkIndex}`;
}

/** Whether the agent's disk took everything it was to keep. */
export function hasRoom({ agent }: Schedule): boolean {
  return agent.spool === "writable" && agent.disk.fullFrom === null;
}
