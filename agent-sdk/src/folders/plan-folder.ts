/**
 * From the names in a render's folder to scenes and slots. Pure: the same names and the same known assets always give the
 * same plan, and a file keeps the slot it has, whatever is put beside it. The rules stand in CLI.md, "A folder at once".
 */
import type { AssetType } from "../../../contract/asset.ts";
import { MAX_CHUNKS_PER_SCENE } from "../../../contract/limits.ts";
import { plainContentType, stemOf, type FileKind } from "./file-kind.ts";
import { byName, type SkippedFile } from "./read-folder.ts";
import { numberOfScene, placeOf, titleOf, type Placed } from "./scene-place.ts";

export interface NamedFile {
  relative: string;
  size: number;
}

/** What the session holds already. */
export interface KnownSession {
  scenes: readonly { sceneKey: string; index: number }[];
  assets: readonly KnownAsset[];
}

export interface KnownAsset {
  /** Absent: of the session itself. */
  scene?: string;
  assetType: AssetType;
  chunkIndex: number;
  /** Where it was in the folder; absent for what came another way. */
  relative?: string;
}

export interface PlannedFile extends NamedFile {
  /** Absent: of the session itself. */
  scene?: string;
  assetType: AssetType;
  chunkIndex: number;
  /** Where the name alone would be guessed wrong. */
  contentType?: string;
  /** Would belong to a scene of its name if one came. */
  undecided?: true;
}

export interface PlannedScene {
  sceneKey: string;
  index: number;
  title: string;
}

export interface FolderPlan {
  /** Those that are not there yet. */
  newScenes: PlannedScene[];
  files: PlannedFile[];
  skipped: SkippedFile[];
}

export const NOTHING_KNOWN: KnownSession = { scenes: [], assets: [] };

export function planFolder(files: readonly NamedFile[], known: KnownSession = NOTHING_KNOWN): FolderPlan {
  const sorted = [...files].sort((a, b) => byName(a.relative, b.relative));
  const placed = sorted.map((file) => ({ file, place: placeOf(file.relative) }));
  const sceneKeys = new Set([
    ...known.scenes.map(({ sceneKey }) => sceneKey),
    ...placed.flatMap(({ place }) => place.scene ?? []),
  ]);
  // A file recorded for the session stays there, although a scene of its name has come since.
  const settled = new Set(known.assets.filter(({ scene }) => scene === undefined).map((one) => one.relative));
  const candidates = placed.map(({ file, place }) => {
    const wouldJoin = settled.has(file.relative) ? undefined : place.wouldJoin;
    const joins = wouldJoin !== undefined && sceneKeys.has(wouldJoin) ? wouldJoin : undefined;
    const scene = place.scene ?? joins;
    return { file, place, scene, undecided: wouldJoin !== undefined && scene === undefined };
  });
  const plan: FolderPlan = { newScenes: newScenes(sceneKeys, known), files: [], skipped: [] };
  for (const [scene, own] of grouped(candidates, ({ scene }) => scene)) {
    fill(
      plan,
      scene,
      own,
      known.assets.filter((asset) => asset.scene === scene),
    );
  }
  plan.files.sort((a, b) => byName(a.relative, b.relative));
  return plan;
}

function newScenes(keys: ReadonlySet<string>, { scenes }: KnownSession): PlannedScene[] {
  const known = new Set(scenes.map(({ sceneKey }) => sceneKey));
  const fresh = [...keys].filter((key) => !known.has(key)).sort(byName);
  const numbers = fresh.map(numberOfScene);
  // Those without a number come after everything that has one.
  let last = Math.max(-1, ...scenes.map(({ index }) => index), ...numbers.map((number) => number ?? -1));
  return fresh.map((sceneKey, at) => ({
    sceneKey,
    index: numbers[at] ?? (last += 1),
    title: titleOf(sceneKey),
  }));
}

interface Candidate {
  file: NamedFile;
  place: Placed;
  undecided: boolean;
}

/** What a kind becomes: of a single slot (the rest of its kind becomes `other`), or one of many. */
const OF_SCENE: Record<FileKind, AssetType> = {
  video: "video_chunk",
  audio: "processed",
  image: "thumbnail",
  subtitle: "subtitle",
  code: "source_code",
  transcript: "transcript",
  manifest: "other",
  processed: "processed",
  other: "other",
};
const OF_SESSION: Record<FileKind, AssetType> = {
  ...OF_SCENE,
  video: "combined_video",
  audio: "other",
  subtitle: "combined_subtitle",
  code: "other",
  manifest: "manifest",
  processed: "other",
};
const INDEXED: ReadonlySet<AssetType> = new Set<AssetType>([
  "video_chunk",
  "processed",
  "transcript",
  "other",
]);

/** The image a person would show for the scene, by its name. */
const SHOWN = /thumb|poster|cover|preview/i;

function fill(
  plan: FolderPlan,
  scene: string | undefined,
  candidates: readonly Candidate[],
  known: readonly KnownAsset[],
): void {
  const types = scene === undefined ? OF_SESSION : OF_SCENE;
  const put = ({ file, place, undecided }: Candidate, assetType: AssetType, chunkIndex: number) =>
    plan.files.push({
      ...file,
      ...(scene !== undefined && { scene }),
      assetType,
      chunkIndex,
      ...contentTypeOf(file, place, assetType),
      ...(undecided && { undecided }),
    });

  const several = new Map<AssetType, Candidate[]>();
  for (const [assetType, all] of grouped(candidates, ({ place }) => types[place.kind])) {
    const only = INDEXED.has(assetType) ? undefined : chosen(assetType, all, scene, known);
    if (only !== undefined) put(only, assetType, 0);
    const type = INDEXED.has(assetType) ? assetType : "other";
    several.set(type, [...(several.get(type) ?? []), ...all.filter((one) => one !== only)]);
  }
  for (const [assetType, all] of several) {
    for (const [candidate, chunkIndex] of numbered(assetType, all, known)) {
      if (chunkIndex < MAX_CHUNKS_PER_SCENE) put(candidate, assetType, chunkIndex);
      else plan.skipped.push({ relative: candidate.file.relative, reason: "no place left" });
    }
  }
}

function chosen(
  assetType: AssetType,
  candidates: readonly Candidate[],
  scene: string | undefined,
  known: readonly KnownAsset[],
): Candidate | undefined {
  const stem = ({ file }: Candidate) => stemOf(file.relative.split("/").at(-1) ?? "");
  const holder = known.find((asset) => asset.assetType === assetType)?.relative;
  return (
    candidates.find((one) => assetType === "thumbnail" && SHOWN.test(stem(one))) ??
    candidates.find((one) => one.file.relative === holder) ??
    candidates.find((one) => stem(one) === scene) ??
    candidates[0]
  );
}

/** The name's own number first, then the place it has already, then the first free one. */
function numbered(
  assetType: AssetType,
  candidates: readonly Candidate[],
  known: readonly KnownAsset[],
): [Candidate, number][] {
  const held = known.filter((asset) => asset.assetType === assetType);
  const names = new Set(candidates.map(({ file }) => file.relative));
  const taken = new Set<number>();
  const places = new Map<Candidate, number>();
  const place = (candidate: Candidate, wished: number | undefined) => {
    if (wished === undefined || taken.has(wished) || places.has(candidate)) return;
    taken.add(wished);
    places.set(candidate, wished);
  };
  for (const one of candidates) place(one, one.place.chunk);
  for (const one of candidates) {
    place(one, held.find(({ relative }) => relative === one.file.relative)?.chunkIndex);
  }
  // What another file holds, even one that is gone from the folder, is not free.
  for (const { chunkIndex, relative } of held) {
    if (relative === undefined || !names.has(relative)) taken.add(chunkIndex);
  }
  let free = 0;
  for (const one of candidates) {
    while (taken.has(free)) free += 1;
    place(one, free);
  }
  return candidates.map((one) => [one, places.get(one) ?? MAX_CHUNKS_PER_SCENE]);
}

function contentTypeOf(
  { relative }: NamedFile,
  { kind }: Placed,
  assetType: AssetType,
): { contentType?: string } {
  if (assetType === "other" || assetType === "processed") return { contentType: plainContentType(relative) };
  return kind === "video" && relative.toLowerCase().endsWith(".ts") ? { contentType: "video/mp2t" } : {};
}

function grouped<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
