/** What every `StorageBackend` does, whichever it is: one table of behaviours, run against each of them. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { isReelsyncError, type StorageBackend, type StoredFile } from "reelsync";
import { MIB } from "../../../contract/limits.ts";
import { tempDir } from "../../support/temp-dir.ts";

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export const KEYS_REFUSED: [what: string, key: string][] = [
  ["an empty one", ""],
  ["one that climbs", "a/../../etc/passwd"],
  ["one that is only dots", ".."],
  ["one that stays where it is", "a/./b"],
  ["an absolute one", "/etc/passwd"],
  ["one with an empty segment", "a//b"],
  ["a folder", "a/b/"],
  ["one with a backslash", "a\\..\\b"],
  ["one with a newline", "a\nb"],
  ["one with a zero byte", "a\0b"],
  ["one of 1,025 bytes", `${"abcd/".repeat(204)}abcde`],
  ["one with a lone surrogate", "a/\ud800"],
  ["one with a segment no file may have", `a/${"b".repeat(256)}`],
];

const KEYS_TAKEN = [
  "plain.mp4",
  "t/studio/perm/demo/session/scene/video-chunk/0123456789abcdef-intro.mp4",
  "with space/and 'quotes' & more+%2F.txt",
  "emoji/🎬 Szene Ä.mp4",
  "dots/..a/b..c/...",
  `${"abcd/".repeat(204)}abcd`,
];

export function describeStorage(name: string, open: () => Promise<StorageBackend>): void {
  describe(`the storage contract, kept by ${name}`, () => {
    test.each<[string, (bytes: Buffer, path: string) => string | Buffer | Readable]>([
      ["a path", (_bytes, path) => path],
      ["bytes", (bytes) => bytes],
      ["a Node stream", (_bytes, path) => createReadStream(path)],
      ["a web stream", (bytes) => new Blob([new Uint8Array(bytes)]).stream() as unknown as Readable],
    ])("saves %s and loads the same bytes, with their size and hash", async (_what, source) => {
      const storage = await open();
      const bytes = randomBytes(300_000);
      const path = join(await tempDir(), "clip.mp4");
      await writeFile(path, bytes);
      const saved = await storage.save("a/clip.mp4", source(bytes, path));
      expect(saved).toMatchObject({ key: "a/clip.mp4", size: bytes.length, sha256: sha256(bytes) });

      const { body, ...details } = await storage.load("a/clip.mp4");
      expect(details).toMatchObject({
        key: "a/clip.mp4",
        size: bytes.length,
        sha256: sha256(bytes),
        contentType: "video/mp4",
        etag: saved.etag,
      });
      expect(Math.abs(details.lastModified - Date.now())).toBeLessThan(60_000);
      expect((await buffer(body)).equals(bytes)).toBe(true);
    });

    test.each(KEYS_TAKEN)("takes the key %j", async (key) => {
      const storage = await open();
      const bytes = Buffer.from(key);
      await storage.save(key, bytes);
      expect(await storage.exists(key)).toBe(true);
      expect((await buffer((await storage.load(key)).body)).equals(bytes)).toBe(true);
      expect((await listed(storage)).map((file) => file.key)).toEqual([key]);
    });

    test.each(KEYS_REFUSED)("[G7] refuses to save under %s, and changes nothing", async (_what, key) => {
      const storage = await open();
      await expect(storage.save(key, Buffer.from("x"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(await listed(storage)).toEqual([]);
    });

    test("replaces what was under the key, as a whole", async () => {
      const storage = await open();
      await storage.save("a.txt", Buffer.from("the first one"), { contentType: "text/x-first" });
      await storage.save("a.txt", Buffer.from("second"));
      expect(await storage.stat("a.txt")).toMatchObject({
        size: 6,
        sha256: sha256(Buffer.from("second")),
        contentType: "text/plain",
      });
      expect(await storage.getTotalSize()).toBe(6);
    });

    test("[G7] refuses what has no bytes, and a file that is not there, and changes nothing", async () => {
      const storage = await open();
      await expect(storage.save("a.txt", Buffer.alloc(0))).rejects.toMatchObject({ code: "FILE_EMPTY" });
      await expect(storage.save("a.txt", "/nowhere/at/all")).rejects.toMatchObject({
        code: "FILE_NOT_FOUND",
      });
      const broken = new Readable({
        read() {
          this.push(Buffer.from("half"));
          this.destroy(new Error("the renderer died"));
        },
      });
      await expect(storage.save("a.txt", broken)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
      expect(await storage.exists("a.txt")).toBe(false);
    });

    test("says of a missing object that it is missing, and deleting it is no error", async () => {
      const storage = await open();
      expect(await storage.exists("nothing.mp4")).toBe(false);
      expect(await storage.stat("nothing.mp4")).toBeNull();
      await expect(storage.getSize("nothing.mp4")).rejects.toMatchObject({ code: "NOT_FOUND" });
      await expect(storage.load("nothing.mp4")).rejects.toMatchObject({ code: "NOT_FOUND" });
      await storage.delete("nothing.mp4");
      await storage.save("something.mp4", Buffer.from("x"));
      await storage.delete("something.mp4");
      await storage.delete("something.mp4");
      expect(await storage.exists("something.mp4")).toBe(false);
    });

    test("lists by prefix in the order of the keys' bytes, in pages, and adds their sizes up", async () => {
      const storage = await open();
      const keys = ["a/1", "a/10", "a/2", "a-b", "ab/c/d", "b", "a/é", "a/z", "a/\u{1f3ac}", "a/\uffee"];
      for (const [index, key] of keys.entries()) await storage.save(key, Buffer.alloc(index + 1, "x"));
      const inOrder = [...keys].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      expect((await listed(storage)).map(({ key }) => key)).toEqual(inOrder);
      for (const prefix of ["a/", "a", "a/1", "ab/c/d", "nothing/", "é"]) {
        const found = await listed(storage, prefix);
        expect(found.map(({ key }) => key)).toEqual(inOrder.filter((key) => key.startsWith(prefix)));
        const total = found.reduce((sum, { size }) => sum + size, 0);
        expect(await storage.getTotalSize(prefix)).toBe(total);
      }
      const pages: string[][] = [];
      for await (const page of storage.listFiles("a/").pages()) pages.push(page.map(({ key }) => key));
      expect(pages.flat()).toEqual(inOrder.filter((key) => key.startsWith("a/")));
    });

    test("stops at the caller's signal, and leaves nothing behind", async () => {
      const storage = await open();
      const controller = new AbortController();
      const endless = Readable.from(
        (function* () {
          for (let count = 0; ; count++) {
            if (count === 3) controller.abort();
            yield randomBytes(64 * 1024);
          }
        })(),
      );
      await expect(storage.save("a.bin", endless, { signal: controller.signal })).rejects.toMatchObject({
        code: "ABORTED",
      });
      expect(await listed(storage)).toEqual([]);
    });

    test("lets go of a body that is not read to its end", async () => {
      const storage = await open();
      await storage.save("a.bin", randomBytes(4 * MIB));
      for (let count = 0; count < 70; count++) (await storage.load("a.bin")).body.destroy();
      expect(await storage.getSize("a.bin")).toBe(4 * MIB);
    });

    test("gives out URLs that read and write just the one object, until they expire", async () => {
      const storage = await open();
      const bytes = randomBytes(100_000);
      const put = await storage.getPresignedUrl("PUT", "a/ü b.mp4", {
        contentType: "video/mp4",
        expiresInSeconds: 120,
      });
      const stored = await fetch(put.url, { method: put.method, headers: put.headers, body: bytes });
      expect(stored.status).toBe(200);
      expect(await storage.stat("a/ü b.mp4")).toMatchObject({ size: bytes.length, contentType: "video/mp4" });

      const { url, expiresAt } = await storage.getPresignedUrl("GET", "a/ü b.mp4");
      expect(expiresAt).toBeGreaterThan(Date.now());
      const whole = await fetch(url);
      expect(whole.headers.get("content-type")).toBe("video/mp4");
      expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
      const part = await fetch(url, { headers: { Range: "bytes=10-19" } });
      expect(part.status).toBe(206);
      expect(part.headers.get("content-range")).toBe(`bytes 10-19/${bytes.length}`);
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true);

      const refused = [
        await fetch(url.replace("mp4", "mp5")),
        await fetch(url, { method: "DELETE" }),
        await fetch(url, { method: "PUT", body: "x" }),
        await fetch(put.url, { method: "PUT", headers: { "content-type": "text/html" }, body: "x" }),
        await fetch(put.url),
      ];
      expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
      expect(await storage.getSize("a/ü b.mp4")).toBe(bytes.length);
    });

    test("[G7] refuses a life no URL may have", async () => {
      const storage = await open();
      for (const expiresInSeconds of [0, -1, 1.5, Number.NaN, 7 * 24 * 3600 + 1]) {
        await expect(storage.getPresignedUrl("GET", "a", { expiresInSeconds })).rejects.toSatisfy(
          (error) => isReelsyncError(error) && error.code === "INVALID_ARGUMENT",
        );
      }
    });
  });
}

export async function listed(storage: StorageBackend, prefix?: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const file of storage.listFiles(prefix)) files.push(file);
  return files;
}
