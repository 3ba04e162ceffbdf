/**
 * What a folder tells of its files while it is watched, by chokidar. What the system does not let be watched is told of and
 * left out, so that one locked sub-folder does not end the watch; a root that cannot be watched does.
 */
import { basename, join, relative as relativePath, sep } from "node:path";
import { ReelsyncError } from "../errors.ts";
import type { IgnoreRules } from "./ignore-rules.ts";

/** Names are from the root, with "/". */
export interface TreeListener {
  /** Something happened to the file. */
  seen: (relative: string) => void;
  /** Its name appeared, by being created or moved there; told on Linux only. */
  appeared: (relative: string) => void;
  /** It was written to; told on Linux only. */
  written: (relative: string) => void;
  gone: (relative: string) => void;
  unwatchable: (fault: ReelsyncError) => void;
}

export interface WatchedTree {
  close: () => Promise<void>;
}

/** inotify reports a name that appears and each write one by one and in order; elsewhere they may come as one. */
const TELLS_WRITES = process.platform === "linux";

/** Resolves when everything that is there already has been told of. */
export async function watchTree(
  root: string,
  rules: IgnoreRules,
  listener: TreeListener,
): Promise<WatchedTree> {
  const inFolder = (path: string) => relativePath(root, path).split(sep).join("/");
  // Loaded by those who watch alone.
  const { watch } = await import("chokidar");
  const watcher = watch(root, {
    // A link to a folder above would be followed for ever; a link to a file is looked through by its own stat.
    followSymlinks: false,
    ignored(path, stats) {
      const relative = inFolder(path);
      if (relative === "" || stats === undefined) return false;
      return stats.isDirectory() ? rules.ignoresFolder(relative) : rules.ignoresFile(relative);
    },
  });
  const onSeen = (path: string) => listener.seen(inFolder(path));
  watcher.on("add", onSeen).on("change", onSeen);
  watcher.on("unlink", (path) => listener.gone(inFolder(path)));
  if (TELLS_WRITES) {
    watcher.on("raw", (event, name, details) => {
      const path = pathOf(name, details);
      if (path === undefined) return;
      const relative = inFolder(path);
      if (rules.ignoresFile(relative)) return;
      if (event === "rename") listener.appeared(relative);
      else listener.written(relative);
    });
  }
  let isReady = false;
  const started = new Promise<void>((resolve, reject) => {
    watcher.once("ready", () => {
      isReady = true;
      resolve();
    });
    watcher.on("error", (error) => {
      const fault = unwatchable(root, error);
      if (fault.path === root && !isReady) reject(fault.error);
      else listener.unwatchable(fault.error);
    });
  });
  try {
    await started;
  } catch (error) {
    await watcher.close();
    throw error;
  }
  return watcher;
}

function unwatchable(root: string, cause: unknown): { path: string; error: ReelsyncError } {
  const { path = root, code = String(cause) } = cause as NodeJS.ErrnoException;
  return {
    path,
    error: new ReelsyncError("FOLDER_UNWATCHABLE", `${path} cannot be watched (${code})`, { cause }),
  };
}

/** Of a watched folder it is a name in it, of a watched file its own. */
function pathOf(name: unknown, details: unknown): string | undefined {
  const { watchedPath } = details as { watchedPath?: string };
  if (typeof name !== "string" || watchedPath === undefined) return undefined;
  return basename(watchedPath) === name ? watchedPath : join(watchedPath, name);
}
