import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { tempDir } from "../../support/temp-dir.ts";
import { describeStorage, KEYS_REFUSED, listed, sha256 } from "./contract.ts";
import { openLocal } from "./support.ts";

describeStorage("LOCAL", async () => (await openLocal()).storage);

/** Names of files below a folder, ours included. */
async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

describe("the folder", () => {
  test("is the key tree itself: a file under its key, byte for byte", async () => {
    const { storage, dir } = await openLocal();
    const bytes = randomBytes(10_000);
    await storage.save("t/studio/perm/a b.mp4", bytes);
    expect((await readFile(join(dir, "t/studio/perm/a b.mp4"))).equals(bytes)).toBe(true);
  });

  test("reads the same to the next process, with the hashes and content types", async () => {
    const { storage, dir } = await openLocal();
    const saved = await storage.save("a/b.bin", randomBytes(1000), { contentType: "video/x-own" });
    const next = await openLocal({ dir });
    expect(await next.storage.stat("a/b.bin")).toMatchObject({
      sha256: saved.sha256,
      contentType: "video/x-own",
      etag: saved.etag,
    });
  });

  test("never tells a hash of a file that somebody else has put there", async () => {
    const { storage, dir } = await openLocal();
    await storage.save("a/b.bin", Buffer.from("ours"));
    await writeFile(join(dir, "a/b.bin"), "hers");
    expect(await storage.stat("a/b.bin")).toMatchObject({ size: 4, contentType: "application/octet-stream" });
    expect((await storage.stat("a/b.bin"))?.sha256).toBeUndefined();
    await writeFile(join(dir, "a/strange.mp4"), "found");
    expect(await storage.stat("a/strange.mp4")).toMatchObject({ size: 5, contentType: "video/mp4" });
    expect((await listed(storage, "a/s")).map(({ key }) => key)).toEqual(["a/strange.mp4"]);
  });

  test("keeps nothing of a failed or deleted file, its empty folders included", async () => {
    const { storage, dir } = await openLocal();
    await storage.save("a/b/c/d.bin", randomBytes(1000));
    await storage.save("a/other.bin", randomBytes(1000));
    await storage.delete("a/b/c/d.bin");
    expect(await readdir(join(dir, "a"))).toEqual(["other.bin"]);
    await storage.delete("a/other.bin");
    expect((await filesIn(dir)).length).toBe(0);
    expect(await readdir(dir)).toEqual([".reelsync"]);
  });

  test("takes files while others remove the folders they go to", async () => {
    const { storage } = await openLocal();
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const key = `deep/er/${index % 4}.bin`;
        await storage.save(key, randomBytes(100));
        if (index % 2 === 0) await storage.delete(key);
      }),
    );
    await storage.save("deep/er/last.bin", Buffer.from("x"));
    expect(await storage.getSize("deep/er/last.bin")).toBe(1);
  });

  test("removes what a killed process has left unfinished, once it is a day old", async () => {
    const { dir } = await openLocal();
    const drafts = join(dir, ".reelsync/drafts");
    await mkdir(drafts, { recursive: true });
    await writeFile(join(drafts, "1-old"), "half");
    await writeFile(join(drafts, "2-young"), "half");
    const yesterday = Date.now() / 1000 - 25 * 3600;
    await utimes(join(drafts, "1-old"), yesterday, yesterday);
    const { storage } = await openLocal({ dir });
    await storage.save("a", Buffer.from("x"));
    expect(await readdir(drafts)).toEqual(["2-young"]);
    expect((await listed(storage)).map(({ key }) => key)).toEqual(["a"]);
  });
});

describe("[G6] no key leads out of the folder", () => {
  test.each(KEYS_REFUSED)("%s", async (_what, key) => {
    const { storage } = await openLocal();
    const refused = { code: "INVALID_ARGUMENT" };
    await expect(storage.load(key)).rejects.toMatchObject(refused);
    await expect(storage.stat(key)).rejects.toMatchObject(refused);
    await expect(storage.delete(key)).rejects.toMatchObject(refused);
    await expect(storage.getPresignedUrl("GET", key)).rejects.toMatchObject(refused);
  });

  test("its own files are no objects", async () => {
    const { storage } = await openLocal();
    await storage.save("a.bin", Buffer.from("x"));
    await expect(storage.save(".reelsync/facts/x", Buffer.from("x"))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(storage.delete(".reelsync")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect((await listed(storage, ".")).length).toBe(0);
  });

  test("a symbolic link out of it is neither followed nor listed nor written through", async () => {
    const { storage, dir } = await openLocal();
    const outside = await tempDir();
    await writeFile(join(outside, "secret.txt"), "secret");
    await storage.save("in/side.txt", Buffer.from("x"));
    await symlink(outside, join(dir, "in/out"));
    await symlink(join(outside, "secret.txt"), join(dir, "in/secret.txt"));
    await expect(storage.load("in/out/secret.txt")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(storage.load("in/secret.txt")).rejects.toMatchObject({ code: "NOT_FOUND" });
    for (const key of ["in/out/new.txt", "in/out/deep/new.txt"]) {
      await expect(storage.save(key, Buffer.from("x"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(await readdir(outside)).toEqual(["secret.txt"]);
    expect((await listed(storage)).map(({ key }) => key)).toEqual(["in/side.txt"]);
    await storage.delete("in/secret.txt");
    expect(await readFile(join(outside, "secret.txt"), "utf8")).toBe("secret");
  });
});

test("[G7] a key that is a folder of another is refused with the reason, and nothing is lost", async () => {
  const { storage } = await openLocal();
  await storage.save("a/b", Buffer.from("file"));
  for (const key of ["a/b/c", "a"]) {
    await expect(storage.save(key, Buffer.from("x"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  }
  expect((await buffer((await storage.load("a/b")).body)).toString()).toBe("file");
});

test("[G7] a folder that takes no files is told as that, and tried again later", async () => {
  const dir = join(await tempDir(), "file-not-folder");
  await writeFile(dir, "in the way");
  const { storage } = await openLocal({ dir });
  await expect(storage.save("a", Buffer.from("x"))).rejects.toMatchObject({
    code: "LOCAL_STORAGE_UNAVAILABLE",
    retryable: true,
  });
  await rm(dir);
  await storage.save("a", Buffer.from("x"));
  expect(await storage.exists("a")).toBe(true);
});

test("[G2] a reader of the old bytes is not disturbed by the new ones", async () => {
  const { storage } = await openLocal();
  const [first, second] = [randomBytes(500_000), randomBytes(400_000)];
  await storage.save("a.bin", first);
  const reading = await storage.load("a.bin");
  await storage.save("a.bin", second);
  expect(sha256(await buffer(reading.body))).toBe(sha256(first));
  expect((await storage.stat("a.bin"))?.sha256).toBe(sha256(second));
});

test("files are readable by their owner alone", async () => {
  const { storage, dir } = await openLocal();
  await storage.save("a.bin", Buffer.from("x"));
  expect((await stat(join(dir, "a.bin"))).mode & 0o077).toBe(0);
});
