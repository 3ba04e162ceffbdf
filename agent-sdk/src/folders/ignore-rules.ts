/** What in a render's folder is nobody's business to upload: hidden and half-written files, and what `.reelsyncignore` names. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ignore from "ignore";

export const IGNORE_FILE = ".reelsyncignore";

/** As in a .gitignore, which is why a later `!pattern` takes any of them in again. */
const ALWAYS = [
  ".*",
  "*~",
  "*.part",
  "*.part.*",
  "*.partial",
  "*.partial.*",
  "*.tmp",
  "*.tmp.*",
  "*.temp",
  "*.crdownload",
  "*.download",
  "*.lock",
  // Manim's, ffmpeg's concat lists and bytecode.
  "partial_movie_files/",
  "partial_movie_file_list.txt",
  "__pycache__/",
  "node_modules/",
];

/** Of a path relative to the folder, with "/". */
export interface IgnoreRules {
  ignoresFile: (relative: string) => boolean;
  ignoresFolder: (relative: string) => boolean;
}

export async function readIgnoreRules(root: string, patterns: readonly string[] = []): Promise<IgnoreRules> {
  const own = await readFile(join(root, IGNORE_FILE), "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  });
  const rules = ignore({ ignorecase: false })
    .add(ALWAYS)
    .add(own)
    .add([...patterns]);
  return {
    ignoresFile: (relative) => rules.ignores(relative),
    ignoresFolder: (relative) => rules.ignores(`${relative}/`),
  };
}
