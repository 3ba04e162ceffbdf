/** What a schedule left, put side by side so that every check reads it the same way. Pure. */
import type { Doc } from "../../convex/_generated/dataModel";
import { bytesOf, sha256Of } from "./content.ts";
import type { Acknowledged, Entry, Queued, Rejected } from "./diary.ts";
import type { Observation, StoredBytes } from "./observe.ts";
import { slotOf, type Schedule, type Wish } from "./schedule.ts";

export interface Violation {
  /** The guarantee of ARCHITECTURE.md, or `live`: with nothing wrong any more, everything asked for has to succeed. */
  guarantee: "G1" | "G2" | "G3" | "live";
  /** Which check it is; one word. */
  check: string;
  what: string;
}

export type Asset = Doc<"assets">;

export interface Evidence {
  schedule: Schedule;
  entries: Entry[];
  found: Observation;
  acked: Acknowledged[];
  rejected: Rejected[];
  queued: Queued[];
  /** Uploads whose entry in the journal was damaged on purpose. */
  damaged: ReadonlySet<string>;
  wish: (id: number) => Wish | undefined;
  sha256Of: (wish: Wish) => string;
  object: (key: string) => StoredBytes | undefined;
  /** Whether it is content of that size that somebody asked for. */
  isWished: (content: { sha256: string; size: number }) => boolean;
  asset: (id: string) => Asset | undefined;
  /** The record an upload led to. */
  assetOf: (uploadId: string) => Asset | undefined;
  /** By `slotOf`, each in the order of creation. */
  slots: Map<string, Asset[]>;
}

export function gatherEvidence(schedule: Schedule, entries: Entry[], found: Observation): Evidence {
  const wishes = new Map(schedule.wishes.map((wish) => [wish.id, wish]));
  const hashes = new Map<number, string>();
  const objects = new Map(found.objects.map((object) => [object.key, object]));
  const assets = new Map<string, Asset>(found.assets.map((row) => [row._id, row]));
  const calls = new Map<string, string>(found.calls.map(({ uploadId, assetId }) => [uploadId, assetId]));
  const scenes = new Map<string, number>(found.scenes.map((scene) => [scene._id, scene.index]));
  const slots = new Map<string, Asset[]>();
  for (const row of found.assets) {
    const slot = slotOf({ ...row, scene: scenes.get(row.entityId) ?? null });
    slots.set(slot, [...(slots.get(slot) ?? []), row]);
  }
  const hashOf = (wish: Wish): string => {
    const known = hashes.get(wish.content);
    if (known !== undefined) return known;
    const sha256 = sha256Of(bytesOf({ seed: schedule.seed, content: wish.content, size: wish.size }));
    hashes.set(wish.content, sha256);
    return sha256;
  };
  return {
    schedule,
    entries,
    found,
    acked: entries.filter((entry) => entry.kind === "acked"),
    rejected: entries.filter((entry) => entry.kind === "rejected"),
    queued: entries.filter((entry) => entry.kind === "queued"),
    damaged: new Set(entries.flatMap((entry) => (entry.kind === "damaged" ? [entry.uploadId] : []))),
    wish: (id) => wishes.get(id),
    sha256Of: hashOf,
    isWished: ({ sha256, size }) =>
      schedule.wishes.some((wish) => wish.size === size && hashOf(wish) === sha256),
    object: (key) => objects.get(key),
    asset: (id) => assets.get(id),
    assetOf: (uploadId) => assets.get(calls.get(uploadId) ?? ""),
    slots,
  };
}

export function isCommitted(row: Asset | undefined): boolean {
  return row?.status === "ready" || row?.status === "superseded";
}

/** Its bytes are, or were, hashed while they are sent, and no commit has told the hash. */
export function isUnhashed(row: Asset): boolean {
  return row.checksum === "" && !isCommitted(row);
}

export function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}
