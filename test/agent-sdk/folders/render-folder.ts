/** A folder on disk made from a list of files, gone when the test ends. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { tempDir } from "../../support/temp-dir.ts";

/** Contents by relative path; each file's own name unless something else is given. */
export async function renderFolder(files: Record<string, string | Uint8Array> | readonly string[]) {
  const root = await tempDir();
  const entries = Array.isArray(files)
    ? (files as readonly string[]).map((name) => [name, `content of ${name}`] as const)
    : Object.entries(files);
  for (const [relative, content] of entries) {
    const path = join(root, relative);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return root;
}
