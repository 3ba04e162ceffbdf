/**
 * Object keys as the products before this one laid them out, for what mirrors a folder or takes old objects in. New
 * records never get such a key; theirs are `object-key.ts`'s alone. Pure, and no zod here.
 *
 *   topic       {prefix}/{topic-name}/{path in the folder}
 *   recordings  {prefix}/users/user_000123/recordings/{name}
 *   creatives   {prefix}/videos/{tenant}/{timestamp}-{creative}-{iteration}.mp4
 *   stages      {prefix}/{videos | transcripts | temp | processed, or as they were called}/{path}
 */
import { MAX_KEY_BYTES } from "./limits.ts";
import { kebab } from "./object-key.ts";

export interface MirrorKeyParts {
  /** May be empty. */
  prefix: string;
  /** Becomes a kebab-case folder; "" for none. */
  topic: string;
  /** The file's place in its folder, with "/"; "" gives the folder's own prefix. */
  path: string;
}

/** Where records' objects are, of any tenant: a mirror may put nothing there, and reconcile would take it away. */
const RECORDS_PLACE = /(^|\/)(t\/[^/]+\/(perm|temp)\/|quarantine\/)/;

export function mirrorKey({ prefix, topic, path }: MirrorKeyParts): string {
  const folder = topic === "" ? "" : kebab(topic);
  if (topic !== "" && folder === "") {
    throw new RangeError(`the folder's name "${topic}" has no letter or digit: say which topic it is`);
  }
  const parts = [...prefix.split("/").filter((part) => part !== ""), ...(folder === "" ? [] : [folder])];
  const key = parts.map((part) => `${part}/`).join("") + path;
  for (const part of [...parts, ...path.split("/")]) {
    if (part === "." || part === "..") throw new RangeError(`"${key}" would climb out of its prefix`);
  }
  if (/[\u0000-\u001f\u007f\\]/.test(key)) {
    throw new RangeError(`${JSON.stringify(key)} holds a control character or a backslash`);
  }
  if (RECORDS_PLACE.test(key)) {
    throw new RangeError(`"${key}" lies where the objects of records are: choose another prefix`);
  }
  const bytes = new TextEncoder().encode(key).length;
  if (bytes > MAX_KEY_BYTES)
    throw new RangeError(`the object key has ${bytes} bytes, S3 allows ${MAX_KEY_BYTES}`);
  return key;
}

/** What a key of an older layout says. */
export type LaidOut =
  | { layout: "topic"; topic: string; path: string }
  | { layout: "recordings"; user: number; path: string }
  | { layout: "creatives"; tenant: string; timestamp: string; creative: string; iteration: number }
  | { layout: "stages"; stage: Stage; path: string };

export type LayoutName = LaidOut["layout"];
export const LAYOUT_NAMES = ["topic", "recordings", "creatives", "stages"] as const satisfies LayoutName[];

export type Stage = "videos" | "transcripts" | "temp" | "processed";

/** The folder of each stage, with its slash. */
export type StageFolders = Readonly<Record<Stage, string>>;
export const STAGE_FOLDERS: StageFolders = {
  videos: "videos/",
  transcripts: "transcripts/",
  temp: "temp/",
  processed: "processed/",
};

/** The key without the prefix it was looked for under, read by one layout; null when it is none of its keys. */
export function parseLayout(
  layout: LayoutName,
  rest: string,
  folders: StageFolders = STAGE_FOLDERS,
): LaidOut | null {
  switch (layout) {
    case "topic": {
      const [, topic, path] = /^([^/]+)\/(.+)$/s.exec(rest) ?? [];
      return topic === undefined || path === undefined ? null : { layout, topic, path };
    }
    case "recordings": {
      const [, user, path] = /^users\/user_(\d+)\/recordings\/(.+)$/s.exec(rest) ?? [];
      return user === undefined || path === undefined ? null : { layout, user: Number(user), path };
    }
    case "creatives": {
      const match = /^videos\/([^/]+)\/(\d[\dTZ:.]*)-([^/]+)-(\d+)\.[A-Za-z0-9]+$/.exec(rest);
      if (match === null) return null;
      const [, tenant = "", timestamp = "", creative = "", iteration = ""] = match;
      return { layout, tenant, timestamp, creative, iteration: Number(iteration) };
    }
    case "stages": {
      // The longest, as one folder may lie in another.
      const [found] = (Object.entries(folders) as [Stage, string][])
        .filter(([, folder]) => rest.startsWith(folder) && rest.length > folder.length)
        .sort(([, a], [, b]) => b.length - a.length);
      return found === undefined ? null : { layout, stage: found[0], path: rest.slice(found[1].length) };
    }
  }
}
