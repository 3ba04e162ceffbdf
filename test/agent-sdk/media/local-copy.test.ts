import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { LocalCopy, Progress, Reelsync } from "reelsync";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio } from "../support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

// Temporary folders of this file's tests, and of nobody else's, are looked for here.
let temporary: string;
const before = process.env["TMPDIR"];
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "reelsync-copies-"));
  process.env["TMPDIR"] = temporary;
});
afterAll(async () => {
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  await rm(temporary, { recursive: true, force: true });
});
const copiesLeft = async () => (await readdir(temporary)).filter((name) => name.startsWith("reelsync-copy-"));

async function uploaded(reelsync: Reelsync<"strict">, bytes: Uint8Array) {
  const { sceneId } = await studio.scene(reelsync);
  const entity = { type: "scene", id: sceneId } as const;
  const file = await studio.file("Intro Ä.mp4", bytes);
  return { sceneId, asset: await reelsync.uploadWithConvexSync({ file, entity, assetType: "video_chunk" }) };
}

describe("withLocalCopy", () => {
  test("hands over the exact bytes under a usable name, by asset, id or key, and removes them afterwards", async () => {
    const { reelsync } = studio.client();
    const bytes = randomBytes(2_000_000);
    const { asset } = await uploaded(reelsync, bytes);
    for (const of of [asset, asset.assetId, asset.s3Key]) {
      const seen: LocalCopy[] = [];
      const progress: Progress[] = [];
      const results = await reelsync.withLocalCopy(
        of,
        async (copy) => {
          seen.push(copy);
          expect(sha256(await readFile(copy.path))).toBe(sha256(bytes));
          expect(copy.path).toMatch(/\/intro-ä\.mp4$/);
          expect(await readdir(copy.folder)).toEqual([]);
        },
        { onProgress: (one) => progress.push(one) },
      );
      expect(results).toEqual([]);
      expect(seen).toMatchObject([{ asset: { assetId: asset.assetId, checksum: sha256(bytes) } }]);
      expect(existsSync(seen[0]?.path ?? "")).toBe(false);
      expect(progress.at(-1)).toMatchObject({ phase: "downloading", loaded: bytes.length });
    }
    expect(await copiesLeft()).toEqual([]);
  });

  test("[G2] uploads what is returned, to the asset's own scene unless said otherwise", async () => {
    const { reelsync } = studio.client();
    const { asset, sceneId } = await uploaded(reelsync, randomBytes(1_000));
    const { sceneId: elsewhere } = await studio.scene(reelsync);
    const [thumbnail, notes] = await reelsync.withLocalCopy(asset, async ({ path, folder }) => {
      const bytes = await readFile(path);
      await writeFile(join(folder, "still.jpg"), bytes.subarray(0, 100));
      await writeFile(join(folder, "notes.txt"), "seen");
      return [
        { file: "still.jpg", assetType: "thumbnail" },
        {
          file: join(folder, "notes.txt"),
          assetType: "transcript",
          entity: { type: "scene", id: elsewhere },
        },
      ];
    });
    const rows = await studio.rows("assets");
    expect(rows.find(({ _id }) => _id === thumbnail?.assetId)).toMatchObject({
      entityId: sceneId,
      assetType: "thumbnail",
      fileName: "still.jpg",
      status: "ready",
    });
    expect(rows.find(({ _id }) => _id === notes?.assetId)).toMatchObject({ entityId: elsewhere });
    expect(await studio.bucket.sha256(notes?.s3Key ?? "")).toBe(sha256(Buffer.from("seen")));
    expect(await copiesLeft()).toEqual([]);
  });

  test("an older version is still to be had by its id", async () => {
    const { reelsync } = studio.client();
    const old = randomBytes(500);
    const { asset, sceneId } = await uploaded(reelsync, old);
    const entity = { type: "scene", id: sceneId } as const;
    await reelsync.uploadWithConvexSync({
      file: randomBytes(500),
      entity,
      assetType: "video_chunk",
      fileName: "x.mp4",
    });
    await reelsync.withLocalCopy(asset.assetId, async ({ path, asset: found }) => {
      expect(found.status).toBe("superseded");
      expect(sha256(await readFile(path))).toBe(sha256(old));
    });
  });

  test("[G7] nothing is handed over that is not what was recorded", async () => {
    const { reelsync } = studio.client();
    const bytes = randomBytes(1_000);
    const { asset } = await uploaded(reelsync, bytes);
    const { endpoint, credentials } = studio.stack.local.objectStore;
    const s3 = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
    const never = () => expect.unreachable("the function was called");
    for (const Body of [randomBytes(1_000), bytes.subarray(1)]) {
      await s3.send(new PutObjectCommand({ Bucket: "reelsync", Key: asset.s3Key, Body }));
      await expect(reelsync.withLocalCopy(asset, never)).rejects.toMatchObject({ code: "ASSET_DAMAGED" });
    }
    await reelsync.storage.delete(asset.s3Key);
    await expect(reelsync.withLocalCopy(asset, never)).rejects.toMatchObject({ code: "ASSET_DAMAGED" });
    await expect(reelsync.withLocalCopy("t/no/such/key", never)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(reelsync.withLocalCopy("nonsense", never)).rejects.toMatchObject({
      code: "ASSET_NOT_FOUND",
    });
    expect(await copiesLeft()).toEqual([]);
  });

  test("leaves nothing behind when the work throws, is cancelled, or its result cannot be uploaded", async () => {
    const { reelsync } = studio.client();
    const { asset } = await uploaded(reelsync, randomBytes(1_000));
    const snapshot = await studio.snapshot();
    const broken = new Error("the filter did not like it");
    await expect(
      reelsync.withLocalCopy(asset, async ({ folder }) => {
        await writeFile(join(folder, "half.mp4"), "half");
        throw broken;
      }),
    ).rejects.toBe(broken);

    const cancel = new AbortController();
    const cancelled = reelsync.withLocalCopy(
      asset,
      async ({ folder, signal }) => {
        await writeFile(join(folder, "result.mp4"), "done anyway");
        cancel.abort();
        expect(signal.aborted).toBe(true);
        return [{ file: "result.mp4", assetType: "processed" }];
      },
      { signal: cancel.signal },
    );
    await expect(cancelled).rejects.toMatchObject({ code: "ABORTED" });

    const missing = reelsync.withLocalCopy(asset, async () => [{ file: "none.mp4", assetType: "processed" }]);
    await expect(missing).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    expect(await copiesLeft()).toEqual([]);
    expect(await studio.snapshot()).toEqual(snapshot);
  });

  test("[G1] a result that has to wait is kept by the journal, and sent when the store is back", async () => {
    const { reelsync: strict } = studio.client();
    const { asset, sceneId } = await uploaded(strict, randomBytes(1_000));
    const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    const { reelsync } = studio.queueing({
      env: { ...studio.stack.agentEnv, S3_ENDPOINT_URL: proxy.url, S3_MAX_ATTEMPTS: "1" },
    });
    const [result] = await reelsync.withLocalCopy(asset, async ({ folder }) => {
      await writeFile(join(folder, "late.txt"), "kept");
      proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
      return [{ file: "late.txt", assetType: "transcript" }];
    });
    expect(result?.state).toBe("queued");
    expect(await copiesLeft()).toEqual([]);
    proxy.spoil = () => undefined;
    expect(await reelsync.drain()).toMatchObject({ waiting: 0 });
    const row = (await studio.rows("assets")).find(
      ({ entityId, assetType }) => entityId === sceneId && assetType === "transcript",
    );
    expect(row).toMatchObject({ status: "ready", checksum: sha256(Buffer.from("kept")) });
  });
});

describe("withLocalCopy of an asset that the other storage keeps", () => {
  const local = () => studio.client({ storageType: "LOCAL" });
  const LOCAL_URL = "STORAGE_LOCAL_BASE_URL";

  /** Where the deployment says the files are served, for as long as the test runs. */
  async function serveFilesAt(url: string): Promise<void> {
    const usual = studio.stack.agentEnv[LOCAL_URL] ?? "";
    onTestFinished(() => studio.stack.setEnv({ [LOCAL_URL]: usual }));
    await studio.stack.setEnv({ [LOCAL_URL]: url });
  }

  test.each(["s3", "local"] as const)(
    "[G2] hands over the exact bytes that %s keeps, by the deployment's URL",
    async (kept) => {
      const [keeper, reader] = kept === "s3" ? [studio.client(), local()] : [local(), studio.client()];
      const bytes = randomBytes(2_000_000);
      const { asset } = await uploaded(keeper.reelsync, bytes);
      const progress: Progress[] = [];
      const copied = reader.reelsync.withLocalCopy(
        asset,
        async ({ path, asset: found }) => {
          expect(found.storageBackend).toBe(kept);
          expect(sha256(await readFile(path))).toBe(sha256(bytes));
        },
        { onProgress: (one) => progress.push(one) },
      );
      await copied;
      expect(progress.at(-1)).toMatchObject({ phase: "downloading", loaded: bytes.length });
      expect(await copiesLeft()).toEqual([]);
    },
  );

  test("goes on where a connection broke, and repeats what an outage refused", async () => {
    const bytes = randomBytes(3_000_000);
    const { asset } = await uploaded(local().reelsync, bytes);
    const door = await startFaultProxy(studio.stack.agentEnv[LOCAL_URL] ?? "");
    await serveFilesAt(door.url);
    const faults = [{ status: 503 }, "cutReply", "breakConnection"] as const;
    let asked = 0;
    door.spoil = () => faults[asked++];
    const { reelsync, events } = studio.client();
    await reelsync.withLocalCopy(asset, async ({ path }) => {
      expect(sha256(await readFile(path))).toBe(sha256(bytes));
    });
    expect(door.seen.map(({ headers }) => headers.range?.replace(/\d+/, "N"))).toEqual([
      undefined,
      undefined,
      "bytes=N-",
      "bytes=N-",
    ]);
    expect(events.filter(({ type }) => type === "retry")).toMatchObject(
      faults.map(() => ({ dependency: "fileDoor", code: "FILE_DOOR_UNAVAILABLE" })),
    );
  });

  test("[G7] says what to do when nothing serves the files, or serves them with another key", async () => {
    const { asset } = await uploaded(local().reelsync, randomBytes(1_000));
    const { reelsync } = studio.client();
    const never = () => expect.unreachable("the function was called");
    const silent = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    await silent.close();
    await serveFilesAt(silent.url);
    await expect(reelsync.withLocalCopy(asset, never)).rejects.toMatchObject({
      code: "FILE_DOOR_UNAVAILABLE",
      message: expect.stringMatching(
        new RegExp(`${asset.assetId} is kept behind ${silent.url}, which was not reached \\(ECONNREFUSED\\)`),
      ) as string,
      hint: expect.stringContaining("reelsync storage serve") as string,
    });

    const key = studio.stack.agentEnv["STORAGE_LOCAL_SIGNING_KEY"] ?? "";
    onTestFinished(() => studio.stack.setEnv({ STORAGE_LOCAL_SIGNING_KEY: key }));
    await studio.stack.setEnv({
      [LOCAL_URL]: studio.stack.agentEnv[LOCAL_URL] ?? "",
      STORAGE_LOCAL_SIGNING_KEY: `another ${key}`,
    });
    await expect(reelsync.withLocalCopy(asset, never)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("STORAGE_LOCAL_SIGNING_KEY") as string,
    });
    expect(await copiesLeft()).toEqual([]);
  });

  test("[G7] nothing is handed over that is not what was recorded", async () => {
    const { reelsync: keeper } = local();
    const bytes = randomBytes(1_000);
    const { asset } = await uploaded(keeper, bytes);
    const { reelsync } = studio.client();
    const path = join(studio.stack.storageDir, asset.s3Key);
    const never = () => expect.unreachable("the function was called");
    for (const other of [randomBytes(1_000), bytes.subarray(1)]) {
      await writeFile(path, other);
      await expect(reelsync.withLocalCopy(asset, never)).rejects.toMatchObject({ code: "ASSET_DAMAGED" });
    }
    await rm(path);
    await expect(reelsync.withLocalCopy(asset, never)).rejects.toMatchObject({ code: "ASSET_DAMAGED" });
    expect(await copiesLeft()).toEqual([]);
  });

  test("ends at once when it is cancelled or its time is up, while the bytes are on their way", async () => {
    const { asset } = await uploaded(local().reelsync, randomBytes(1_000));
    const door = await startFaultProxy(studio.stack.agentEnv[LOCAL_URL] ?? "");
    await serveFilesAt(door.url);
    const { reelsync } = studio.client();
    const never = () => expect.unreachable("the function was called");
    const cancel = new AbortController();
    door.spoil = () => async () => {
      cancel.abort();
      await new Promise(() => undefined);
    };
    const cancelled = reelsync.withLocalCopy(asset, never, { signal: cancel.signal });
    await expect(cancelled).rejects.toMatchObject({ code: "ABORTED" });
    const late = reelsync.withLocalCopy(asset, never, { timeoutMs: 300 });
    await expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(door.seen).toHaveLength(2);
    expect(await copiesLeft()).toEqual([]);
  });
});
