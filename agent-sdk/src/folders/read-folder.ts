/** The files of a folder that are to be uploaded, in the order people read names in: `part-2` before `part-10`. */
import type { Dirent, Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { ReelsyncError } from "../errors.ts";
import { readIgnoreRules, type IgnoreRules } from "./ignore-rules.ts";

export interface FolderFile {
  path: string;
  /** From the folder, with "/". */
  relative: string;
  size: number;
  mtimeMs: number;
}

export type SkipReason =
  | "empty"
  | "link loop"
  | "broken link"
  | "not a file"
  | "unreadable"
  | "no place left"
  | "temporary"
  | "another layout";

/** Not uploaded although nothing told to ignore it. */
export interface SkippedFile {
  relative: string;
  reason: SkipReason;
}

export interface FolderContent {
  files: FolderFile[];
  skipped: SkippedFile[];
}

export async function readFolder(root: string, patterns?: readonly string[]): Promise<FolderContent> {
  await assertFolder(root);
  return readByRules(root, await readIgnoreRules(root, patterns));
}

/** `linkedFolders`: whether a link to a folder is looked through. */
export async function readByRules(
  root: string,
  rules: IgnoreRules,
  { linkedFolders = true } = {},
): Promise<FolderContent> {
  const content: FolderContent = { files: [], skipped: [] };
  await readInto(content, { root, rules, linkedFolders }, "", [await realpath(root)]);
  return content;
}

export async function assertFolder(root: string): Promise<void> {
  const found = await stat(root).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw new ReelsyncError(
      code === "EACCES" ? "FILE_UNREADABLE" : "FILE_NOT_FOUND",
      `The folder ${root} cannot be read (${code ?? "unknown"})`,
      { cause: error },
    );
  });
  if (!found.isDirectory()) throw new ReelsyncError("INVALID_ARGUMENT", `${root} is a file, not a folder`);
}

interface Reading {
  root: string;
  rules: IgnoreRules;
  linkedFolders: boolean;
}

/** `above`: the real paths of the folders that lead here. A link to one of them would never end. */
async function readInto(
  content: FolderContent,
  reading: Reading,
  at: string,
  above: readonly string[],
): Promise<void> {
  const { root, rules, linkedFolders } = reading;
  const skip = (relative: string, reason: SkipReason) => content.skipped.push({ relative, reason });
  const entries = await readdir(join(root, at), { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) {
    skip(at, "unreadable");
    return;
  }
  for (const entry of entries.sort((a, b) => byName(a.name, b.name))) {
    const relative = at === "" ? entry.name : `${at}/${entry.name}`;
    const path = join(root, relative);
    if (isIgnored(rules, relative, entry)) continue;
    const found = await stat(path).catch((error: unknown) => error as NodeJS.ErrnoException);
    if (found instanceof Error) {
      skip(relative, entry.isSymbolicLink() ? linkFault(found) : "unreadable");
    } else if (found.isDirectory()) {
      if (rules.ignoresFolder(relative) || (entry.isSymbolicLink() && !linkedFolders)) continue;
      const real = await realpath(path);
      if (above.includes(real)) skip(relative, "link loop");
      else await readInto(content, reading, relative, [...above, real]);
    } else if (rules.ignoresFile(relative)) {
      continue;
    } else if (!found.isFile()) {
      skip(relative, "not a file");
    } else if (found.size === 0) {
      skip(relative, "empty");
    } else {
      content.files.push(folderFile(path, relative, found));
    }
  }
}

export function folderFile(path: string, relative: string, { size, mtimeMs }: Stats): FolderFile {
  return { path, relative, size, mtimeMs };
}

/** What a link leads to is not known yet; anything else needs no look at what it is. */
function isIgnored(rules: IgnoreRules, relative: string, entry: Dirent): boolean {
  if (entry.isDirectory()) return rules.ignoresFolder(relative);
  return !entry.isSymbolicLink() && rules.ignoresFile(relative);
}

function linkFault({ code }: NodeJS.ErrnoException): SkipReason {
  return code === "ELOOP" ? "link loop" : "broken link";
}

const collator = new Intl.Collator("en", { numeric: true });

/** Names that only a collator takes for equal keep an order of their own, so that every reading gives the same one. */
export function byName(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : 1);
}
