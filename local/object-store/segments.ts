/**
 * The bytes: immutable segment files, each written once under a random name and then only read, shared or deleted.
 *
 *   data/<first two hex digits of id>/<id>
 *
 * A file means nothing until the journal names it, so a crash while writing leaves at most an unnamed file, which the
 * next start sweeps. Reference counts (objects, parts and running reads that use a segment) live in memory and are
 * rebuilt from the journal; a replaced object's file goes when its last reader is done.
 * Knows nothing of buckets, keys or HTTP.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { mkdir, open, unlink, type FileHandle } from "node:fs/promises";
import path from "node:path";

export interface Segment {
  id: string;
  size: number;
}

const READ_CHUNK_BYTES = 512 * 1024;

export class SegmentStore {
  readonly #dir: string;
  readonly #references = new Map<string, number>();
  readonly #deletions = new Set<Promise<void>>();
  #isLoading = true;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  retain(segments: readonly Segment[]): void {
    for (const { id } of segments) this.#references.set(id, (this.#references.get(id) ?? 0) + 1);
  }

  release(segments: readonly Segment[]): void {
    for (const { id } of segments) {
      const count = (this.#references.get(id) ?? 0) - 1;
      if (count > 0) {
        this.#references.set(id, count);
      } else {
        this.#references.delete(id);
        // While the journal is being replayed a later record may not mention the segment again; the sweep decides.
        if (!this.#isLoading) this.#delete(id);
      }
    }
  }

  /** Takes back segments that nothing came to name. */
  discard(segments: readonly Segment[]): void {
    this.retain(segments);
    this.release(segments);
  }

  /** Ends loading: deletes what crashes left behind. */
  sweep(): void {
    for (const prefix of readdirSync(this.#dir)) {
      for (const id of readdirSync(path.join(this.#dir, prefix))) {
        if (!this.#references.has(id)) rmSync(path.join(this.#dir, prefix, id), { force: true });
      }
    }
    this.#isLoading = false;
  }

  createWriter(): SegmentWriter {
    const id = randomUUID().replaceAll("-", "");
    return new SegmentWriter(id, this.#pathOf(id));
  }

  /**
   * Bytes `start` to `end` (inclusive) of the concatenation. Two buffers alternate: a chunk is valid until the one after
   * the next is asked for, so a consumer may have one write in flight. The caller holds a reference meanwhile.
   */
  async *read(segments: readonly Segment[], start: number, end: number): AsyncGenerator<Buffer> {
    const chunkBytes = Math.min(READ_CHUNK_BYTES, end - start + 1);
    const buffers = [Buffer.allocUnsafe(chunkBytes)];
    let turn = 0;
    let segmentStart = 0;
    for (const segment of segments) {
      const segmentEnd = segmentStart + segment.size;
      if (segmentEnd > start && segmentStart <= end) {
        let position = Math.max(start, segmentStart) - segmentStart;
        const stop = Math.min(end + 1, segmentEnd) - segmentStart;
        const file = await this.#openForRead(segment);
        try {
          while (position < stop) {
            const buffer = (buffers[turn] ??= Buffer.allocUnsafe(chunkBytes));
            turn ^= 1;
            const { bytesRead } = await file.read(buffer, 0, Math.min(chunkBytes, stop - position), position);
            if (bytesRead === 0) throw new Error(`Segment ${segment.id} ended before its recorded size.`);
            position += bytesRead;
            yield buffer.subarray(0, bytesRead);
          }
        } finally {
          await file.close();
        }
      }
      segmentStart = segmentEnd;
    }
  }

  /** Resolves when no deletion is under way, so that the directory can be handed on or removed. */
  async settle(): Promise<void> {
    await Promise.all(this.#deletions);
  }

  /** A file shorter than the journal says (power loss, meddling) must never be served as if it were the object. */
  async #openForRead(segment: Segment): Promise<FileHandle> {
    const file = await open(this.#pathOf(segment.id), "r");
    const { size } = await file.stat();
    if (size === segment.size) return file;
    await file.close();
    throw new Error(`Segment ${segment.id} holds ${size} bytes where the journal records ${segment.size}.`);
  }

  #delete(id: string): void {
    const deletion = unlink(this.#pathOf(id))
      // The sweep of the next start takes what cannot be deleted now.
      .catch(() => undefined)
      .finally(() => this.#deletions.delete(deletion));
    this.#deletions.add(deletion);
  }

  #pathOf(id: string): string {
    return path.join(this.#dir, id.slice(0, 2), id);
  }
}

/** One segment on its way to disk. Until a journal record names it, `discard` takes it back. */
export class SegmentWriter {
  readonly id: string;
  readonly #path: string;
  #file: FileHandle | undefined;
  #size = 0;

  constructor(id: string, filePath: string) {
    this.id = id;
    this.#path = filePath;
  }

  async write(chunks: Buffer[]): Promise<void> {
    this.#file ??= await createFile(this.#path);
    let pending = chunks;
    while (pending.length > 0) {
      const { bytesWritten } = await this.#file.writev(pending, this.#size);
      this.#size += bytesWritten;
      pending = dropBytes(pending, bytesWritten);
    }
  }

  /** An empty body needs no file. */
  async finish(): Promise<Segment[]> {
    await this.#file?.close();
    this.#file = undefined;
    return this.#size === 0 ? [] : [{ id: this.id, size: this.#size }];
  }

  async discard(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    if (this.#size > 0) await unlink(this.#path);
  }
}

/** The directory is there but for its first file. */
async function createFile(filePath: string): Promise<FileHandle> {
  try {
    return await open(filePath, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await mkdir(path.dirname(filePath), { recursive: true });
    return open(filePath, "wx");
  }
}

function dropBytes(chunks: readonly Buffer[], count: number): Buffer[] {
  const rest: Buffer[] = [];
  let toDrop = count;
  for (const chunk of chunks) {
    if (toDrop >= chunk.length) {
      toDrop -= chunk.length;
    } else {
      rest.push(chunk.subarray(toDrop));
      toDrop = 0;
    }
  }
  return rest;
}
