/** Where a file of a render belongs: to the session, or to which scene of it, told from its path alone. */
import { basename } from "node:path";
import { MAX_NAME_LENGTH } from "../../../contract/limits.ts";
import { kindOf, stemOf, type FileKind } from "./file-kind.ts";

export interface Placed {
  kind: FileKind;
  /** Absent: the session's own, or not told by the path. */
  scene?: string;
  /** The scene whose file this is if there is such a scene. */
  wouldJoin?: string;
  /** Place among the chunks, where the name says it. */
  chunk?: number;
}

/** Folders that sort by what files are say nothing of scenes. */
const KIND_FOLDERS =
  /^(media|output|videos?|chunks|subtitles|captions|thumbnails|images|code|source|src|transcripts?|audio)$/i;

/** Files of these names are of the whole reel. */
const WHOLE = /^(combined|final|full|reel|session|complete)([-_ ](video|cut|reel|subtitles?|captions?))?$/i;

/** What was made of a scene's files. */
const PROCESSED = "processed";

const NAMED_CHUNK = /^(.*?)[-_ .]?(?:chunk|part|seg|segment|clip)[-_ ]?(\d+)$/i;
/** Longer numbers are dates and ids. */
const NUMBERED = /^(?:.*?[-_ ])?(\d{1,2}|0\d\d)$/;

/** For chunks that lie in the folder itself and name no scene. */
const ONLY_SCENE = "main";

export function placeOf(relative: string): Placed {
  const segments = relative.split("/");
  const name = basename(relative);
  const kind = kindOf(name);
  const folders = segments.slice(0, -1);
  while (folders[0] !== undefined && KIND_FOLDERS.test(folders[0])) folders.shift();
  const stem = stemOf(name);
  const named = kind === "video" ? NAMED_CHUNK.exec(stem) : null;

  if (folders[0] !== undefined) {
    const number = kind === "video" ? (named?.[2] ?? NUMBERED.exec(stem)?.[1]) : undefined;
    if (folders.includes(PROCESSED)) return { kind: "processed", scene: sceneKey(folders[0]) };
    return { kind, scene: sceneKey(folders[0]), ...(number !== undefined && { chunk: Number(number) }) };
  }
  if (WHOLE.test(stem) || kind === "manifest") return { kind };
  if (named !== null) {
    return { kind, scene: sceneKey(named[1] || ONLY_SCENE), chunk: Number(named[2]) };
  }
  const own = sceneKey(stem);
  return kind === "video" ? { kind, scene: own } : { kind, wouldJoin: own };
}

function sceneKey(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH);
}

/** `scene_02`, `02-rings`, `S2 Rings`: 2. */
export function numberOfScene(key: string): number | undefined {
  const number = /^(?:scene|s)?[-_ ]?(\d{1,6})(?![0-9])/i.exec(key)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** `02-fourier_series` is "Fourier series", `scene_02` is "Scene 2". */
export function titleOf(key: string): string {
  const number = numberOfScene(key);
  const words = key
    .replace(/^(?:scene|s)?[-_ ]?\d{1,6}(?![0-9])/i, "")
    .replace(/[-_\s]+/g, " ")
    .trim();
  const title = words === "" ? (number === undefined ? key : `Scene ${number}`) : words;
  const [first = "", ...rest] = Array.from(title);
  return first.toUpperCase() + rest.join("");
}
