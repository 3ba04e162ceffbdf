/** Files that are whole or absent whenever the process is killed, and on request whenever the power fails. */
import { constants } from "node:fs";
import { copyFile, link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** `synced`: on the disk itself when this resolves. Otherwise in the system's cache, which outlives the process. */
export async function writeWhole(path: string, text: string, { synced }: { synced: boolean }): Promise<void> {
  await replaceBy(`${path}.draft`, path, text, { synced });
  if (synced) await syncFolder(dirname(path));
}

/** `draft`: a name beside it that nobody else writes to. */
export async function replaceBy(
  draft: string,
  path: string,
  text: string,
  { synced }: { synced: boolean },
): Promise<void> {
  const file = await open(draft, "w", 0o600);
  try {
    try {
      await file.writeFile(text);
      if (synced) await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    // On a full disk half of it would take the room of what is written instead.
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** The same bytes under a second name: free where the file system can, a copy otherwise. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A new name is on the disk only when its folder is. Systems that cannot open a folder do that by themselves. */
export async function syncFolder(path: string): Promise<void> {
  await syncFile(path).catch(() => undefined);
}
