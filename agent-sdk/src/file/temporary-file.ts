/** Files of the SDK's own making: in a folder that goes when the work is over, kept elsewhere when an upload has to wait. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { linkOrCopy } from "../journal/durable-file.ts";
import { openDiskFile, type AssetFile } from "./asset-file.ts";

/** Removed with everything in it however the work ends. */
export async function withTemporaryFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await makeTemporaryFolder(name);
  try {
    return await work(folder);
  } finally {
    // Somebody who was just stopped may still be letting go of a file.
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

export function makeTemporaryFolder(name: string): Promise<string> {
  return onTemporaryDisk(() => mkdtemp(join(tmpdir(), `reelsync-${name}-`)));
}

/** Whatever the system says of a file of the SDK's own, it is not the caller's file that is at fault. */
export async function onTemporaryDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isReelsyncError(error)) throw error;
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new ReelsyncError("DISK_UNAVAILABLE", `${tmpdir()} does not take temporary files (${code})`, {
      cause: error,
    });
  }
}

/** A file that will not stay where it is: it has no path to come back to, so the journal and dead letters keep its bytes. */
export async function openTemporaryFile(path: string): Promise<AssetFile> {
  const { path: _temporary, ...file } = await openDiskFile(path);
  return { ...file, keep: (target) => linkOrCopy(path, target) };
}
