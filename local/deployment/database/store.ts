/**
 * The data directory: one LMDB environment, read and written synchronously. This file knows rows and bytes, not
 * tables, schemas or transactions of functions.
 *
 *   meta        "format"    version of this layout
 *               "ts"        newest commit timestamp, nanoseconds, 8 bytes big endian
 *               "catalog"   tables and their indexes with their numbers, JSON
 *               "schema"    current schema as exported, JSON, absent without one
 *   documents   u32 table number · key(_id)                            -> document, Convex JSON text
 *   indexes     u32 index number · key(fields…, _creationTime, _id)    -> one zero byte
 *               u32 index number · first 1024 bytes · 16 bytes of hash -> the whole key, when it is longer
 *   system      UTF-8 key                                              -> JSON text
 *
 * Keys are those of `encodeKey`. A commit is one LMDB transaction over all four.
 *
 * Durability: `noSync` leaves the disk cache to the operating system. A commit is written to the file with `write`
 * before `transactionSync` returns, so it survives the death of this process at any moment, but not necessarily a
 * power cut. Measured for four puts a commit on one disk: 30 µs with noSync, 320 to 370 µs with any setting that
 * flushes (default, overlappingSync on or off), 14 µs with a writable map, which a stray pointer could corrupt.
 */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, type Database as LmdbTable, type RootDatabase } from "lmdb";
import { afterPrefix } from "../values/order.ts";
import { concatBytes } from "./bytes.ts";

const FORMAT = "1";
/** LMDB allows 1978 bytes with pages of 4 KiB. */
const MAX_KEY = 1024;
const HASH_BYTES = 16;
const PREFIX_BYTES = 4;
const PRESENT = Buffer.alloc(1);

type Rows = "documents" | "indexes";

export interface StoreWriter {
  putDocument(table: number, key: Uint8Array, json: string): void;
  removeDocument(table: number, key: Uint8Array): void;
  putIndexKey(index: number, key: Uint8Array): void;
  removeIndexKey(index: number, key: Uint8Array): void;
  dropIndex(index: number): void;
  putSystem(key: string, json: string): void;
  removeSystem(key: string): void;
  putMeta(name: "catalog" | "schema", json: string | null): void;
  putTs(ts: bigint): void;
}

export class Store {
  private readonly root: RootDatabase<Buffer, Buffer>;
  private readonly meta: LmdbTable<string, Buffer>;
  private readonly documents: LmdbTable<string, Buffer>;
  private readonly indexes: LmdbTable<Buffer, Buffer>;
  private readonly system: LmdbTable<string, Buffer>;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true });
    this.root = open({
      path: dataDir,
      noSubdir: false,
      maxDbs: 4,
      noSync: true,
      overlappingSync: false,
      keyEncoding: "binary",
      encoding: "binary",
    });
    const text = { keyEncoding: "binary", encoding: "string" } as const;
    this.meta = this.root.openDB("meta", text);
    this.documents = this.root.openDB("documents", text);
    this.indexes = this.root.openDB("indexes", { keyEncoding: "binary", encoding: "binary" });
    this.system = this.root.openDB("system", text);
    // A killed process leaves its reader's slot behind, which would keep old pages from being used again.
    this.root.readerCheck();
    this.checkFormat(dataDir);
  }

  ts(): bigint {
    return BigInt(this.meta.get(Buffer.from("ts")) ?? "0");
  }

  readMeta(name: "catalog" | "schema"): string | undefined {
    return this.meta.get(Buffer.from(name));
  }

  document(table: number, key: Uint8Array): string | undefined {
    return this.documents.get(scratchRow(table, key));
  }

  /** Keys in [lower, upper) in the given direction; at least `atLeast` unless there are no more. */
  keys(
    rows: Rows,
    number: number,
    lower: Uint8Array,
    upper: Uint8Array | null,
    descending: boolean,
    atLeast: number,
  ): Uint8Array[] {
    const from = rowBound(number, lower);
    const to = upper === null ? numberBytes(number + 1) : rowBound(number, upper, upper.length > MAX_KEY);
    const keys: Uint8Array[] = [];
    /** Keys whose rows share their first 1024 bytes, so that the rows' order says nothing about theirs. */
    let group: Uint8Array[] = [];
    const flush = (): void => {
      group.sort((a, b) => (descending ? Buffer.compare(b, a) : Buffer.compare(a, b)));
      for (const key of group) {
        if (Buffer.compare(key, lower) >= 0 && (upper === null || Buffer.compare(key, upper) < 0))
          keys.push(key);
      }
      group = [];
    };
    const table: LmdbTable<unknown, Buffer> = rows === "documents" ? this.documents : this.indexes;
    const range = descending
      ? { start: to, end: from, reverse: true, exclusiveStart: true, inclusiveEnd: true }
      : { start: from, end: to };
    for (const row of table.getKeys(range)) {
      const isLong = row.length > PREFIX_BYTES + MAX_KEY;
      if (group.length > 0 && !(isLong && sharesPrefix(row, group[0]!))) flush();
      if (keys.length >= atLeast) return keys;
      if (isLong) group.push(this.indexes.get(row)!);
      else keys.push(row.subarray(PREFIX_BYTES));
    }
    flush();
    return keys;
  }

  count(table: number): number {
    return this.documents.getKeysCount({ start: numberBytes(table), end: numberBytes(table + 1) });
  }

  systemGet(key: string): string | undefined {
    return this.system.get(Buffer.from(key));
  }

  *systemRange(prefix: string): Iterable<[key: string, json: string]> {
    const start = Buffer.from(prefix);
    const end = afterPrefix(start);
    const range = { start, ...(end && { end: Buffer.from(end) }) };
    for (const { key, value } of this.system.getRange(range)) yield [key.toString(), value];
  }

  /** All or nothing; durable against the death of the process when it returns. */
  write(change: (writer: StoreWriter) => void): void {
    const { meta, documents, indexes, system } = this;
    const writer: StoreWriter = {
      putDocument: (table, key, json) => documents.putSync(scratchRow(table, key), json),
      removeDocument: (table, key) => void documents.removeSync(scratchRow(table, key)),
      putIndexKey: (index, key) => {
        indexes.putSync(scratchRow(index, key), key.length > MAX_KEY ? concatBytes(key) : PRESENT);
      },
      removeIndexKey: (index, key) => void indexes.removeSync(scratchRow(index, key)),
      dropIndex: (index) => {
        const rows = [...indexes.getKeys({ start: numberBytes(index), end: numberBytes(index + 1) })];
        for (const row of rows) indexes.removeSync(row);
      },
      putSystem: (key, json) => system.putSync(Buffer.from(key), json),
      removeSystem: (key) => void system.removeSync(Buffer.from(key)),
      putMeta: (name, json) => {
        if (json === null) meta.removeSync(Buffer.from(name));
        else meta.putSync(Buffer.from(name), json);
      },
      putTs: (ts) => meta.putSync(Buffer.from("ts"), ts.toString()),
    };
    this.root.transactionSync(() => change(writer));
  }

  close(): Promise<void> {
    return this.root.close();
  }

  private checkFormat(dataDir: string): void {
    const format = this.meta.get(Buffer.from("format"));
    if (format === undefined) this.meta.putSync(Buffer.from("format"), FORMAT);
    else if (format !== FORMAT) {
      throw new Error(
        `The database in ${dataDir} has format ${format}, this version reads ${FORMAT}. Delete the directory to start anew.`,
      );
    }
  }
}

function numberBytes(number: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(PREFIX_BYTES);
  bytes.writeUInt32BE(number);
  return bytes;
}

const scratch = Buffer.allocUnsafeSlow(PREFIX_BYTES + MAX_KEY + HASH_BYTES);

/** The row of a key, in memory that the next call uses again: LMDB copies a key before its call returns. */
function scratchRow(number: number, key: Uint8Array): Buffer {
  scratch.writeUInt32BE(number);
  if (key.length <= MAX_KEY) {
    scratch.set(key, PREFIX_BYTES);
    return scratch.subarray(0, PREFIX_BYTES + key.length);
  }
  scratch.set(key.subarray(0, MAX_KEY), PREFIX_BYTES);
  const hash = createHash("sha256").update(key).digest();
  scratch.set(hash.subarray(0, HASH_BYTES), PREFIX_BYTES + MAX_KEY);
  return scratch;
}

/** Where keys from `bound` on begin; with `behind`, where the rows that share its first bytes end. */
function rowBound(number: number, bound: Uint8Array, behind = false): Buffer {
  const start = bound.length > MAX_KEY ? bound.subarray(0, MAX_KEY) : bound;
  return concatBytes(numberBytes(number), behind ? (afterPrefix(start) ?? start) : start);
}

function sharesPrefix(row: Uint8Array, key: Uint8Array): boolean {
  return Buffer.compare(row.subarray(PREFIX_BYTES, PREFIX_BYTES + MAX_KEY), key.subarray(0, MAX_KEY)) === 0;
}
