/**
 * The bytes of one asset, wherever they come from: a file on disk, memory, or a stream that was spooled to disk first.
 * Owns the open file and any temporary copy. Refuses what cannot be uploaded before anything else moves; afterwards
 * notices when the file is not what it was when it was opened.
 */
import { constants, statSync } from "node:fs";
import { open, stat, writeFile, type FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { KIB, MAX_OBJECT_BYTES, MIB } from "../../../contract/limits.ts";
import { ReelsyncError } from "../errors.ts";
import { createMemoryBlock } from "../memory-block.ts";

export interface ByteRange {
  start: number;
  /** Exclusive. */
  end: number;
}

export interface AssetFile {
  /** Where the bytes are, for people and for a replay; absent when they live in memory or in a temporary copy. */
  readonly path?: string;
  readonly size: number;
  /** Another one as soon as the file on the disk is not the one that was opened; absent when its bytes are in memory. */
  readonly mark?: string;
  /** True when `read` returns the caller's own bytes and needs no buffer. */
  readonly inMemory: boolean;
  /** The bytes of a range, in `into` unless they are in memory anyway. */
  read: (range: ByteRange, into?: Buffer) => Promise<Buffer>;
  /**
   * All of a small file's bytes, read once and kept until it is closed; undefined where they are in memory anyway, and
   * where there is no room for them.
   */
  readonly hold?: () => Promise<Buffer | undefined>;
  /** Copies the bytes to a path; present when they exist nowhere but here, so that a dead letter has to keep them. */
  readonly keep?: (path: string) => Promise<void>;
  /** Throws FILE_CHANGED when the file is no longer the one that was opened. */
  assertUnchanged: () => Promise<void>;
  close: () => Promise<void>;
}

/** Larger files cost so much to send that reading them twice does not matter. */
const MAX_HELD_BYTES = MIB;
/** In the whole process, so that memory stays flat: as many files of 64 KiB as are ever on their way at once. */
const heldFiles = createMemoryBlock(16 * MIB, 64 * KIB);

interface Fingerprint {
  size: bigint;
  mtimeNs: bigint;
  ino: bigint;
}

export async function openDiskFile(path: string): Promise<AssetFile> {
  const absolute = resolve(path);
  const handle = await openForReading(absolute);
  try {
    const before = await fingerprint(handle, absolute);
    return diskFile(absolute, handle, before);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export function memoryFile(bytes: Uint8Array): AssetFile {
  refuseSize(bytes.byteLength, "The buffer");
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    size: buffer.length,
    inMemory: true,
    read: async ({ start, end }) => buffer.subarray(start, end),
    keep: (path) => writeFile(path, buffer, { mode: 0o600 }),
    assertUnchanged: async () => undefined,
    close: async () => undefined,
  };
}

export function refuseSize(size: number, what: string): void {
  if (size === 0) throw new ReelsyncError("FILE_EMPTY", `${what} is empty`);
  if (size > MAX_OBJECT_BYTES) {
    throw new ReelsyncError(
      "FILE_TOO_LARGE",
      `${what} has more than ${MAX_OBJECT_BYTES} bytes, the most one object may have`,
    );
  }
}

/** Looks at a path without opening it, and throws when there is no file to upload. */
export function refuseNoFile(path: string): void {
  let found;
  try {
    found = statSync(path);
  } catch (error) {
    throw unopened(path, error);
  }
  refuseKind(found, path);
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    // Opening a named pipe would wait for a writer for ever; this way it fails the check for a regular file instead.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unopened(path, error);
  }
}

function unopened(path: string, cause: unknown): ReelsyncError {
  const { code } = cause as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return new ReelsyncError("FILE_NOT_FOUND", `${path} does not exist`, { cause });
    case "ELOOP":
      return new ReelsyncError("FILE_UNREADABLE", `${path} is a loop of symbolic links`, {
        cause,
        hint: "Name the file itself, or make the link lead to it.",
      });
    // A socket, or a device that is not there.
    case "ENXIO":
      return noRegularFile(path);
    default:
      return new ReelsyncError("FILE_UNREADABLE", `${path} cannot be opened (${code ?? "unknown"})`, {
        cause,
      });
  }
}

async function fingerprint(handle: FileHandle, path: string): Promise<Fingerprint> {
  const found = await handle.stat({ bigint: true });
  refuseKind(found, path);
  refuseSize(Number(found.size), path);
  return found;
}

function refuseKind(found: { isDirectory: () => boolean; isFile: () => boolean }, path: string): void {
  if (found.isDirectory()) throw new ReelsyncError("FILE_IS_DIRECTORY", `${path} is a directory`);
  if (!found.isFile()) throw noRegularFile(path);
}

/** A pipe, a device or a socket. */
function noRegularFile(path: string): ReelsyncError {
  return new ReelsyncError("FILE_UNREADABLE", `${path} is not a regular file but a pipe, device or socket`, {
    hint: "Name a regular file; what comes out of a pipe is uploaded as a stream, on the command line as -.",
  });
}

function diskFile(path: string, handle: FileHandle, opened: Fingerprint): AssetFile {
  const changed = (what: string) =>
    new ReelsyncError("FILE_CHANGED", `${path} was ${what} while it was being uploaded`);

  async function assertUnchanged() {
    const now = await stat(path, { bigint: true }).catch(() => undefined);
    if (now === undefined) throw changed("removed");
    if (now.ino !== opened.ino) throw changed("replaced");
    if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) throw changed("written to");
  }

  async function read({ start, end }: ByteRange, given?: Buffer): Promise<Buffer> {
    const length = end - start;
    const into = given ?? Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(into, filled, length - filled, start + filled);
      if (bytesRead === 0) throw changed("shortened");
      filled += bytesRead;
    }
    return into.subarray(0, length);
  }

  const size = Number(opened.size);
  let held: Buffer | undefined;

  async function hold(): Promise<Buffer | undefined> {
    if (held !== undefined || size > MAX_HELD_BYTES) return held;
    const room = heldFiles.take(size);
    if (room === undefined) return undefined;
    try {
      return (held = await read({ start: 0, end: size }, room));
    } catch (error) {
      heldFiles.giveBack(room);
      throw error;
    }
  }

  return {
    path,
    size,
    mark: `${opened.ino}-${opened.size}-${opened.mtimeNs}`,
    get inMemory() {
      return held !== undefined;
    },
    read: async (range, into) => held?.subarray(range.start, range.end) ?? read(range, into),
    hold,
    assertUnchanged,
    async close() {
      if (held !== undefined) heldFiles.giveBack(held);
      held = undefined;
      await handle.close();
    },
  };
}
