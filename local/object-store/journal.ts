/**
 * An append-only file of JSON records, one a line, each behind the CRC-32 of its text:
 *
 *   8f0a1b2c {"op":"putObject",…}
 *
 * `append` is synchronous: when it returns, the record is in the kernel and outlives a killed process, and no other
 * request has run in between. A line cut short by a crash was never acknowledged; opening drops it.
 * Knows nothing of what the records mean.
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const READ_CHUNK_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;
const CRC_DIGITS = 8;
const FORMAT = { format: "object-store journal", version: 1 };

export class JournalCorruptError extends Error {
  override readonly name = "JournalCorruptError";
  readonly code = "EJOURNALCORRUPT";

  constructor(path: string, offset: number, fault: string) {
    super(
      `${path} is damaged at byte ${offset} (${fault}) but goes on after it. ` +
        "Restore the data directory from a copy, or move it away to start with an empty store.",
    );
  }
}

function encodeLine(record: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(record));
  return Buffer.concat([Buffer.from(`${crcOf(json)} `), json, Buffer.of(NEWLINE)]);
}

const crcOf = (json: Buffer): string => crc32(json).toString(16).padStart(CRC_DIGITS, "0");

function decodeLine(line: Buffer): { record: unknown } | undefined {
  const json = line.subarray(CRC_DIGITS + 1);
  if (line.toString("latin1", 0, CRC_DIGITS) !== crcOf(json)) return undefined;
  return { record: JSON.parse(json.toString("utf8")) as unknown };
}

function* readLines(fd: number): Generator<{ line: Buffer; end: number; isComplete: boolean }> {
  let rest = Buffer.alloc(0);
  let restStart = 0;
  let position = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(READ_CHUNK_BYTES);
    const length = readSync(fd, chunk, 0, chunk.length, position);
    if (length === 0) break;
    position += length;
    rest = Buffer.concat([rest, chunk.subarray(0, length)]);
    let from = 0;
    for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE, from)) {
      yield { line: rest.subarray(from, at), end: restStart + at + 1, isComplete: true };
      from = at + 1;
    }
    rest = rest.subarray(from);
    restStart += from;
  }
  if (rest.length > 0) yield { line: rest, end: position, isComplete: false };
}

export class Journal {
  readonly #path: string;
  #fd: number;
  #end = 0;
  #recordCount = 0;

  /** Opens or creates the journal and hands over every record in order. */
  constructor(path: string, replay: (record: unknown) => void) {
    this.#path = path;
    this.#fd = openSync(path, "a+");
    closeSync(this.#fd);
    // Not in append mode: writes go to an explicit offset, so that one that failed half-way is overwritten by the next.
    this.#fd = openSync(path, "r+");
    try {
      this.#load(replay);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  append(record: unknown): void {
    try {
      this.#write(encodeLine(record));
    } catch (error) {
      ftruncateSync(this.#fd, this.#end);
      throw error;
    }
    this.#recordCount++;
  }

  /** Replaces the whole history by the given records, atomically. */
  rewrite(records: Iterable<unknown>): void {
    const temporaryPath = `${this.#path}.rewrite`;
    const previous = { fd: this.#fd, end: this.#end, recordCount: this.#recordCount };
    this.#fd = openSync(temporaryPath, "w");
    this.#end = 0;
    this.#recordCount = 0;
    try {
      this.#write(encodeLine(FORMAT));
      for (const record of records) this.append(record);
      fsyncSync(this.#fd);
      renameSync(temporaryPath, this.#path);
    } catch (error) {
      closeSync(this.#fd);
      this.#fd = previous.fd;
      this.#end = previous.end;
      this.#recordCount = previous.recordCount;
      throw error;
    }
    closeSync(previous.fd);
  }

  close(): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }

  #load(replay: (record: unknown) => void): void {
    let damage: { offset: number; fault: string } | undefined;
    let isFirst = true;
    for (const { line, end, isComplete } of readLines(this.#fd)) {
      if (damage !== undefined) throw new JournalCorruptError(this.#path, damage.offset, damage.fault);
      const decoded = isComplete ? decodeLine(line) : undefined;
      if (decoded === undefined) {
        damage = { offset: this.#end, fault: "a record does not match its checksum" };
      } else {
        if (isFirst) this.#checkFormat(decoded.record);
        else {
          replay(decoded.record);
          this.#recordCount++;
        }
        isFirst = false;
        this.#end = end;
      }
    }
    ftruncateSync(this.#fd, this.#end);
    if (this.#end === 0) this.#write(encodeLine(FORMAT));
  }

  #checkFormat(record: unknown): void {
    if (JSON.stringify(record) === JSON.stringify(FORMAT)) return;
    throw new JournalCorruptError(this.#path, 0, `its first line is not ${JSON.stringify(FORMAT)}`);
  }

  #write(line: Buffer): void {
    let written = 0;
    while (written < line.length) {
      written += writeSync(this.#fd, line, written, line.length - written, this.#end + written);
    }
    this.#end += line.length;
  }
}
