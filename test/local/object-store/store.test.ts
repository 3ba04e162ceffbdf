import { appendFile, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Change, StoredObject } from "../../../local/object-store/catalog.ts";
import { Store } from "../../../local/object-store/store.ts";
import {
  BUCKET,
  connect,
  MIB,
  patternBytes,
  refusal,
  removeDirectory,
  startIn,
  temporaryDirectory,
} from "./fixture.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await temporaryDirectory();
});
afterEach(() => removeDirectory(dataDir));

const journal = (): string => path.join(dataDir, "journal.jsonl");
const objectOf = (version: number): StoredObject => ({
  size: 0,
  etag: String(version),
  modifiedMs: version,
  segments: [],
  headers: { "content-type": "text/plain" },
  metadata: {},
  tags: {},
});

/** Everything a store knows, as plain data. */
const contents = (store: Store): unknown =>
  [...store.buckets.values()].map(({ objects, uploads, completedUploads, ...bucket }) => ({
    ...bucket,
    objects: [...objects.entries()],
    uploads: [...uploads.values()].map(({ parts, ...upload }) => ({ ...upload, parts: [...parts] })),
    completedUploads: [...completedUploads],
  }));

async function reopened(store: Store): Promise<Store> {
  await store.close();
  return new Store(dataDir);
}

describe("the journal", () => {
  test("[G1] whatever sequence of changes was made, reopening gives the same store", async () => {
    const key = fc.constantFrom("a", "b", "ü/😀");
    const step = fc.oneof(
      fc.record({ op: fc.constant("put"), key, version: fc.nat(99) }),
      fc.record({ op: fc.constant("delete"), key }),
      fc.record({ op: fc.constant("create"), key, id: fc.constantFrom("u1", "u2") }),
      fc.record({
        op: fc.constant("part"),
        id: fc.constantFrom("u1", "u2"),
        number: fc.integer({ min: 1, max: 3 }),
      }),
      fc.record({ op: fc.constantFrom("complete", "abort"), id: fc.constantFrom("u1", "u2") }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        await removeDirectory(dataDir);
        const store = new Store(dataDir);
        store.commit({ op: "createBucket", bucket: BUCKET, createdMs: 1, region: "r" });
        for (const change of steps.map(toChange)) {
          // Operations only commit what fits the state; the same guard here.
          if ("uploadId" in change && !store.buckets.get(BUCKET)!.uploads.has(change.uploadId)) continue;
          store.commit(change);
        }
        const before = contents(store);
        const again = await reopened(store);
        expect(contents(again)).toEqual(before);
        await again.close();
      }),
      { numRuns: 60 },
    );
  });

  test("[G1] a record cut short by a crash is dropped, and the journal goes on after the last whole one", async () => {
    const store = new Store(dataDir);
    store.commit({ op: "createBucket", bucket: BUCKET, createdMs: 1, region: "r" });
    store.commit({ op: "putObject", bucket: BUCKET, key: "whole", object: objectOf(1) });
    await store.close();
    const { size } = await stat(journal());
    for (const torn of ["8f0a", '8f0a1b2c {"op":"putObject","buck', "8f0a1b2c {}\n"]) {
      await appendFile(journal(), torn);
      const again = new Store(dataDir);
      expect([...again.buckets.get(BUCKET)!.objects.entries()].map(([key]) => key)).toEqual(["whole"]);
      await again.close();
      expect((await stat(journal())).size).toBe(size);
    }
  });

  test("is rewritten when it is mostly history, and nothing is lost by it", async () => {
    const store = new Store(dataDir);
    store.commit({ op: "createBucket", bucket: BUCKET, createdMs: 1, region: "r" });
    for (let version = 0; version < 45_000; version++) {
      store.commit({ op: "putObject", bucket: BUCKET, key: `k${version % 10}`, object: objectOf(version) });
    }
    const before = contents(store);
    expect((await stat(journal())).size).toBeLessThan(45_000 * 100);
    const again = await reopened(store);
    expect(contents(again)).toEqual(before);
    await again.close();
    expect((await readFile(journal(), "utf8")).startsWith("{")).toBe(false);
  });
});

function toChange(step: {
  op: string;
  key?: string;
  version?: number;
  id?: string;
  number?: number;
}): Change {
  const { op, key = "", version = 0, id = "", number = 1 } = step;
  switch (op) {
    case "put":
      return { op: "putObject", bucket: BUCKET, key, object: objectOf(version) };
    case "delete":
      return { op: "deleteObjects", bucket: BUCKET, keys: [key] };
    case "create": {
      const attributes = { headers: {}, metadata: {}, tags: {} };
      return { op: "createUpload", bucket: BUCKET, upload: { id, key, initiatedMs: 1, attributes } };
    }
    case "part": {
      const part = { size: 0, etag: "e", modifiedMs: 2, segments: [] };
      return { op: "putPart", bucket: BUCKET, uploadId: id, partNumber: number, part };
    }
    case "complete":
      return { op: "completeUpload", bucket: BUCKET, uploadId: id, object: objectOf(7) };
    default:
      return { op: "abortUpload", bucket: BUCKET, uploadId: id };
  }
}

describe("[G2] a file that is not what the journal says", () => {
  test.each(["cut short", "longer", "missing"])("%s is a 500, never other bytes", async (fault) => {
    const store = await startIn(dataDir);
    const s3 = connect(store);
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: patternBytes(100_000) }));
    const files = await readdir(path.join(dataDir, "data"), { recursive: true });
    const file = path.join(
      dataDir,
      "data",
      files.find((name) => path.basename(name).length === 32)!,
    );
    if (fault === "cut short") await truncate(file, 99_999);
    else if (fault === "longer") await writeFile(file, patternBytes(100_001));
    else await removeDirectory(file);
    const get = s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k" }));
    expect(await refusal(get)).toEqual({ code: "InternalError", status: 500 });
    s3.destroy();
    await store.close();
  });
});

test("a reader that goes away in the middle lets go of the bytes, so that a replaced object's file is removed", async () => {
  const store = await startIn(dataDir);
  const s3 = connect(store);
  const put = (size: number) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: patternBytes(size) }));
  const files = async () =>
    (await readdir(path.join(dataDir, "data"), { recursive: true })).filter(
      (name) => path.basename(name).length === 32,
    );
  for (let round = 0; round < 10; round++) {
    await put(3 * MIB);
    const leave = async (_: unknown, reader: number) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k" }));
      const body = Body as Readable;
      body.on("error", () => undefined);
      let read = 0;
      body.on("data", (chunk: Buffer) => {
        // Each at a place of its own, so that the connection dies before, during and after the store's writes.
        if ((read += chunk.length) > reader * 100_000) body.destroy();
      });
      await new Promise((closed) => body.once("close", closed));
    };
    await Promise.all(Array.from({ length: 30 }, leave));
  }
  await put(1);
  await vi.waitFor(async () => expect(await files()).toHaveLength(1), { timeout: 10_000 });
  s3.destroy();
  await store.close();
});
