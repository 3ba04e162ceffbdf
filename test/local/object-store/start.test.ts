import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import {
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterEach, describe, expect, test } from "vitest";
import { startObjectStore, type ObjectStore } from "../../../local/object-store/index.ts";
import {
  BUCKET,
  connect,
  CREDENTIALS,
  MIB,
  patternBytes,
  removeDirectory,
  startIn,
  temporaryDirectory,
} from "./fixture.ts";
import { converse, headText, signRequest } from "./raw-request.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function newDirectory(): Promise<string> {
  const directory = await temporaryDirectory();
  undo.push(() => removeDirectory(directory));
  return directory;
}

async function start(dataDir: string, options: Parameters<typeof startIn>[1] = {}): Promise<ObjectStore> {
  const store = await startIn(dataDir, options);
  undo.push(() => store.close());
  return store;
}

describe("starting and stopping", () => {
  test("creates the data directory and the buckets asked for, once", async () => {
    const dataDir = path.join(await newDirectory(), "not", "there", "yet");
    const first = await start(dataDir, { buckets: ["media", "drafts"] });
    const before = await connect(first).send(new ListBucketsCommand({}));
    await first.close();
    const second = await start(dataDir, { buckets: ["media", "drafts", "more"] });
    const after = await connect(second).send(new ListBucketsCommand({}));
    expect(before.Buckets?.map((bucket) => bucket.Name)).toEqual(["drafts", "media"]);
    expect(after.Buckets?.map((bucket) => bucket.Name)).toEqual(["drafts", "media", "more"]);
    expect(after.Buckets?.[0]?.CreationDate).toEqual(before.Buckets?.[0]?.CreationDate);
  });

  test("[G7] a busy port is named with its remedy, keeps its code, and leaves the directory usable", async () => {
    const other = net.createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    undo.push(async () => void other.close());
    const { port } = other.address() as net.AddressInfo;
    const dataDir = await newDirectory();
    const failure: unknown = await startIn(dataDir, { port }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "EADDRINUSE" });
    expect(String(failure)).toContain(`Port ${port}`);
    expect(String(failure)).toContain("another port");
    expect((await start(dataDir)).port).not.toBe(port);
  });

  test("[G7] a second store on the same directory is refused and told where the first one is", async () => {
    const dataDir = await newDirectory();
    const first = await start(dataDir);
    const failure: unknown = await startIn(dataDir).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "EDATADIRINUSE" });
    expect(String(failure)).toContain(first.endpoint);
  });

  test("[G7] empty credentials and impossible bucket names are refused in plain words", async () => {
    const dataDir = await newDirectory();
    await expect(
      startObjectStore({ dataDir, credentials: { accessKeyId: "", secretAccessKey: "x" } }),
    ).rejects.toThrow(/must not be empty/);
    await expect(startIn(dataDir, { buckets: ["No_Bucket"] })).rejects.toThrow(
      /"No_Bucket" is not a bucket name/,
    );
  });

  test("[G7] a damaged journal stops the start instead of losing what follows the damage", async () => {
    const dataDir = await newDirectory();
    await (await startIn(dataDir, { buckets: ["one-bucket", "two-bucket"] })).close();
    const journal = path.join(dataDir, "journal.jsonl");
    await writeFile(journal, (await readFile(journal, "utf8")).replace("one-bucket", "ONE-bucket"));
    const failure: unknown = await startIn(dataDir).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "EJOURNALCORRUPT" });
  });

  test("close drops open sockets at once, in the middle of a request too, and nothing half-done remains", async () => {
    const dataDir = await newDirectory();
    const store = await start(dataDir);
    const body = patternBytes(4 * MIB);
    const target = `/${BUCKET}/half`;
    const { headers } = signRequest(store.endpoint, { method: "PUT", path: target, body });
    let half: Promise<unknown> | undefined;
    await new Promise<void>((sent) => {
      half = converse(store.endpoint, (socket) => {
        socket.write(headText("PUT", target, { ...headers, "content-length": String(body.length) }));
        socket.write(body.subarray(0, 2 * MIB), () => sent());
      }).catch((error: unknown) => error);
    });
    await store.close();
    await half;

    const files = await readdir(path.join(dataDir, "data"), { recursive: true });
    const sizes = await Promise.all(files.map((file) => stat(path.join(dataDir, "data", file))));
    expect(sizes.filter((entry) => entry.isFile())).toEqual([]);
    const again = await start(dataDir);
    await expect(
      connect(again).send(new GetObjectCommand({ Bucket: BUCKET, Key: "half" })),
    ).rejects.toMatchObject({
      name: "NoSuchKey",
    });
  });

  test("an outage on the same port and directory heals for a client that kept its connections", async () => {
    const dataDir = await newDirectory();
    const first = await start(dataDir);
    const s3 = connect(first);
    undo.push(async () => s3.destroy());
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "before", Body: "kept" }));
    await first.close();
    await expect(s3.send(new HeadBucketCommand({ Bucket: BUCKET }))).rejects.toThrow();
    const second = await start(dataDir, { port: first.port });
    expect(second.endpoint).toBe(first.endpoint);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: "before" }));
    expect(await Body?.transformToString()).toBe("kept");
  });

  test("files no journal record names are swept at the next start", async () => {
    const dataDir = await newDirectory();
    await (await startIn(dataDir)).close();
    const orphan = path.join(dataDir, "data", "ab", `ab${"0".repeat(30)}`);
    await mkdir(path.dirname(orphan), { recursive: true });
    await writeFile(orphan, "left by a crash");
    await start(dataDir);
    await expect(stat(orphan)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("credentials other than the configured ones are refused", async () => {
    const store = await start(await newDirectory());
    const stranger = connect(store, { credentials: { ...CREDENTIALS, accessKeyId: "stranger" } });
    await expect(stranger.send(new ListBucketsCommand({}))).rejects.toMatchObject({
      name: "InvalidAccessKeyId",
    });
    const wrongSecret = connect(store, { credentials: { ...CREDENTIALS, secretAccessKey: "guess" } });
    await expect(wrongSecret.send(new ListBucketsCommand({}))).rejects.toMatchObject({
      name: "SignatureDoesNotMatch",
    });
  });
});
