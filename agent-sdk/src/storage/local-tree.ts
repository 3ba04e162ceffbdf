/**
 * The folder of `STORAGE_TYPE=LOCAL`: a key is the path of its file below it. Everything else is ours:
 *
 *   {dir}/
 *     {key}                          one object's bytes; appears whole, by one rename of a synced draft
 *     .reelsync/
 *       drafts/{pid}-{random}        bytes on their way; what a killed process left here is removed after a day
 *       facts/{2 hex}/{sha256(key)}  see local-facts.ts
 *
 * No key leads outside: keys are checked letter by letter, and a folder that is a symbolic link out of the tree is refused.
 */
import { randomBytes } from "node:crypto";
import { constants, type BigIntStats, type Dirent } from "node:fs";
import {
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  type FileHandle,
} from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { HOUR } from "../../../contract/limits.ts";
import { ReelsyncError } from "../errors.ts";
import { syncFolder } from "../journal/durable-file.ts";
import { assertWritableKey, OWN_FOLDER } from "./storage-key.ts";

export interface LocalTree {
  readonly root: string;
  /** Makes the folder, and throws when nothing can be written there. */
  assertUsable: () => Promise<void>;
  openDraft: () => Promise<Draft>;
  /** The key's file, opened; undefined when there is none. */
  openFile: (key: string) => Promise<{ handle: FileHandle; found: BigIntStats } | undefined>;
  stat: (key: string) => Promise<BigIntStats | undefined>;
  remove: (key: string) => Promise<void>;
  /** One after the other for each key: its bytes and what is noted of them change together. */
  inTurn: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /** Keys that begin with the prefix, in the order of their UTF-8 bytes. */
  walk: (prefix: string) => AsyncGenerator<{ key: string; found: BigIntStats }, void, void>;
  pathOf: (key: string) => string;
  ownPath: (...segments: string[]) => string;
}

export interface Draft {
  readonly handle: FileHandle;
  /** On the disk itself, with the facts it will be known by. */
  sync: () => Promise<BigIntStats>;
  publish: (key: string) => Promise<void>;
  discard: () => Promise<void>;
}

const DRAFT_KEPT_MS = 24 * HOUR;

export function createLocalTree(dir: string): LocalTree {
  const root = resolve(dir);
  const drafts = join(root, OWN_FOLDER, "drafts");
  const turns = new Map<string, Promise<unknown>>();
  let usable: Promise<void> | undefined;

  const pathOf = (key: string) => {
    assertWritableKey(key);
    return join(root, ...key.split("/"));
  };

  async function prepare(): Promise<void> {
    await mkdir(drafts, { recursive: true, mode: 0o700 });
    const probe = await openDraft();
    await probe.discard();
    await removeOldDrafts(drafts);
  }

  /** Throws for a folder that a symbolic link takes out of the tree. */
  async function assertInside(folder: string): Promise<void> {
    const [top, real] = await Promise.all([realpath(root), realpath(folder)]);
    if (real === top || real.startsWith(top + sep)) return;
    throw new ReelsyncError("INVALID_ARGUMENT", `${folder} is a link out of ${root}`);
  }

  /** The nearest folder that exists already is judged before any is made below it. */
  async function makeFolder(folder: string): Promise<void> {
    if (folder === root) return;
    if (await exists(folder)) return assertInside(folder);
    await makeFolder(dirname(folder));
    await mkdir(folder).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    });
    await syncFolder(dirname(folder));
  }

  async function openDraft(): Promise<Draft> {
    const path = join(drafts, `${process.pid}-${randomBytes(8).toString("hex")}`);
    const handle = await open(path, "wx", 0o600);
    let published = false;
    return {
      handle,
      async sync() {
        await handle.sync();
        return handle.stat({ bigint: true });
      },
      async publish(key) {
        await handle.close();
        const target = pathOf(key);
        for (let left = 5; ; left--) {
          try {
            await makeFolder(dirname(target));
            await rename(path, target);
            break;
          } catch (error) {
            // Somebody removed the folder as empty between the two.
            const { code } = error as NodeJS.ErrnoException;
            if (code !== "ENOENT" || left === 0) throw blockedByOther(error, key);
          }
        }
        published = true;
        await syncFolder(dirname(target));
      },
      async discard() {
        if (published) return;
        await handle.close().catch(() => undefined);
        await rm(path, { force: true });
      },
    };
  }

  async function found(key: string): Promise<BigIntStats | undefined> {
    const path = pathOf(key);
    const entry = await orAbsent(lstat(path, { bigint: true }));
    if (entry?.isFile() !== true) return undefined;
    await assertInside(dirname(path));
    return entry;
  }

  async function* walkFolder(
    folder: string,
    prefix: string,
  ): AsyncGenerator<{ key: string; found: BigIntStats }, void, void> {
    const entries = (await orAbsent(readdir(join(root, folder), { withFileTypes: true }))) ?? [];
    for (const { key, isFolder } of inKeyOrder(folder, entries)) {
      if (isFolder) {
        if (key === `${OWN_FOLDER}/`) continue;
        if (key.startsWith(prefix) || prefix.startsWith(key)) yield* walkFolder(key, prefix);
        continue;
      }
      if (!key.startsWith(prefix)) continue;
      const entry = await orAbsent(lstat(join(root, key), { bigint: true }));
      if (entry !== undefined) yield { key, found: entry };
    }
  }

  return {
    root,
    async assertUsable() {
      usable ??= prepare();
      try {
        await usable;
      } catch (error) {
        usable = undefined;
        throw error;
      }
    },
    openDraft,
    async openFile(key) {
      if ((await found(key)) === undefined) return undefined;
      const handle = await orAbsent(open(pathOf(key), constants.O_RDONLY | constants.O_NOFOLLOW));
      return handle === undefined ? undefined : { handle, found: await handle.stat({ bigint: true }) };
    },
    stat: found,
    async remove(key) {
      if ((await found(key)) === undefined) return;
      const path = pathOf(key);
      await rm(path, { force: true });
      await syncFolder(dirname(path));
      // A folder is only there for its files; one that another upload has just made stays, or is made again.
      for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
        try {
          await rmdir(folder);
        } catch {
          return;
        }
      }
    },
    async inTurn(key, work) {
      const mine = (turns.get(key) ?? Promise.resolve()).then(work, work);
      turns.set(key, mine);
      try {
        return await mine;
      } finally {
        if (turns.get(key) === mine) turns.delete(key);
      }
    },
    walk: (prefix) => walkFolder("", prefix),
    pathOf,
    ownPath: (...segments) => join(root, OWN_FOLDER, ...segments),
  };
}

/** Files and folders of a folder as keys and prefixes of keys; links and everything else are no objects. */
function inKeyOrder(folder: string, entries: readonly Dirent[]) {
  return entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => {
      const isFolder = entry.isDirectory();
      const key = `${folder}${entry.name}${isFolder ? "/" : ""}`;
      return { key, isFolder, bytes: Buffer.from(key) };
    })
    .sort((one, other) => Buffer.compare(one.bytes, other.bytes));
}

async function removeOldDrafts(drafts: string): Promise<void> {
  const before = Date.now() - DRAFT_KEPT_MS;
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name);
    const entry = await orAbsent(stat(path));
    if (entry !== undefined && entry.mtimeMs < before) await rm(path, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await orAbsent(lstat(path))) !== undefined;
}

async function orAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP";
}

/** In a bucket `a` and `a/b` live side by side; on a disk one of them is a folder. */
function blockedByOther(error: unknown, key: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOTDIR" && code !== "EISDIR" && code !== "ENOTEMPTY" && code !== "EEXIST") return error;
  return new ReelsyncError(
    "INVALID_ARGUMENT",
    `On a disk "${key}" cannot be beside a key that is a part of it, or that it is a part of`,
    { cause: error },
  );
}
