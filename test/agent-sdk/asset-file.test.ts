import { createHash, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { memoryFile, openDiskFile } from "../../agent-sdk/src/file/asset-file.ts";
import { createStreamDigest, hashFile } from "../../agent-sdk/src/file/hash-file.ts";
import { spoolStream } from "../../agent-sdk/src/file/spool-stream.ts";
import { createTransferSlots } from "../../agent-sdk/src/s3/transfer-slots.ts";
import { planUpload } from "../../agent-sdk/src/upload-plan.ts";
import { MIB, PREFERRED_PART_BYTES } from "../../contract/limits.ts";
import { tempDir } from "../support/temp-dir.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const RULES = { multipartThreshold: 64 * MIB, signsParts: true };
const slots = createTransferSlots({ requests: 4, bytes: 64 * MIB });
const signal = new AbortController().signal;

async function fileOf(bytes: Uint8Array | string): Promise<string> {
  const path = join(await tempDir(), "scene.mp4");
  await writeFile(path, bytes);
  return path;
}

describe("[G7] a path that cannot be uploaded is refused before anything is read", () => {
  test.each<[string, string, (dir: string) => Promise<string>]>([
    ["a missing file", "FILE_NOT_FOUND", async (dir) => join(dir, "missing.mp4")],
    [
      "a path through a file",
      "FILE_NOT_FOUND",
      async (dir) => {
        await writeFile(join(dir, "a"), "x");
        return join(dir, "a", "b.mp4");
      },
    ],
    ["a directory", "FILE_IS_DIRECTORY", async (dir) => dir],
    [
      "an empty file",
      "FILE_EMPTY",
      async (dir) => {
        await writeFile(join(dir, "empty.mp4"), "");
        return join(dir, "empty.mp4");
      },
    ],
    ["a device", "FILE_UNREADABLE", async () => "/dev/null"],
    [
      "a named pipe",
      "FILE_UNREADABLE",
      async (dir) => {
        execFileSync("mkfifo", [join(dir, "pipe")]);
        return join(dir, "pipe");
      },
    ],
    [
      "a loop of links",
      "FILE_UNREADABLE",
      async (dir) => {
        await symlink(join(dir, "loop"), join(dir, "loop"));
        return join(dir, "loop");
      },
    ],
  ])("%s is %s", async (_what, code, make) => {
    const path = await make(await tempDir());
    await expect(openDiskFile(path)).rejects.toMatchObject({ code, retryable: false });
  });

  test("an empty buffer is FILE_EMPTY", () => {
    expect(() => memoryFile(new Uint8Array())).toThrow(expect.objectContaining({ code: "FILE_EMPTY" }));
  });
});

describe("a file that changes while it is being uploaded is noticed", () => {
  test.each<[string, (path: string) => Promise<unknown>]>([
    ["appended to", (path) => writeFile(path, "more", { flag: "a" })],
    ["overwritten with as many bytes", (path) => writeFile(path, "world")],
    ["touched", (path) => utimes(path, new Date(), new Date(Date.now() + 5000))],
    [
      "replaced by a rename",
      async (path) => {
        await writeFile(`${path}.new`, "hello");
        await rename(`${path}.new`, path);
      },
    ],
    ["removed", (path) => rm(path)],
  ])("when it is %s", async (_how, change) => {
    const path = await fileOf("hello");
    const file = await openDiskFile(path);
    await file.assertUnchanged();
    await change(path);
    await expect(file.assertUnchanged()).rejects.toMatchObject({ code: "FILE_CHANGED" });
    await file.close();
  });

  test("when it is shortened, by the read that comes up short", async () => {
    const path = await fileOf("hello");
    const file = await openDiskFile(path);
    await writeFile(path, "he");
    await expect(file.read({ start: 0, end: 5 })).rejects.toMatchObject({ code: "FILE_CHANGED" });
    await file.close();
  });
});

describe("digests", () => {
  test.each([1, PREFERRED_PART_BYTES - 1, PREFERRED_PART_BYTES, 2 * PREFERRED_PART_BYTES + 12_345])(
    "of %i bytes are those of the whole and of each part, from disk, memory and stream alike",
    async (size) => {
      const bytes = randomBytes(size);
      const expected = [];
      for (let at = 0; at < size; at += PREFERRED_PART_BYTES) {
        expected.push(sha256(bytes.subarray(at, at + PREFERRED_PART_BYTES)));
      }
      const plan = {
        kind: "multipart",
        size,
        partSize: PREFERRED_PART_BYTES,
        partCount: expected.length,
        signed: true,
      } as const;
      const disk = await openDiskFile(await fileOf(bytes));
      let counted = 0;
      const fromDisk = await hashFile(disk, plan, slots, signal, (read) => (counted += read));
      expect(fromDisk).toEqual({ sha256: sha256(bytes), parts: expected });
      expect(counted).toBe(size);
      expect(await hashFile(memoryFile(bytes), plan, slots, signal, () => undefined)).toEqual(fromDisk);
      const whole = await hashFile(disk, planUpload(size, RULES), slots, signal, () => undefined);
      expect(whole).toEqual({ sha256: sha256(bytes) });
      const unsigned = { ...plan, signed: false };
      expect(await hashFile(disk, unsigned, slots, signal, () => undefined)).toEqual(whole);
      await disk.close();

      const digest = createStreamDigest();
      for (let at = 0; at < size; at += 3_333_333) digest.update(bytes.subarray(at, at + 3_333_333));
      expect(digest.digest()).toEqual(fromDisk);
    },
  );

  test("hashing stops when the call is cancelled", async () => {
    const file = await openDiskFile(await fileOf(randomBytes(1000)));
    const reason = new Error("cancelled");
    const cancelled = AbortSignal.abort(reason);
    const hashing = hashFile(file, planUpload(1000, RULES), slots, cancelled, () => undefined);
    await expect(hashing).rejects.toBe(reason);
    await file.close();
  });
});

describe("streams", () => {
  const leftovers = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith("reelsync-spool-"));

  test.each([
    ["Node", (bytes: Buffer) => Readable.from([bytes.subarray(0, 10), bytes.subarray(10)])],
    ["web", (bytes: Buffer) => new Blob([new Uint8Array(bytes)]).stream()],
  ] as const)("a %s stream is spooled whole, digested, and cleaned up", async (_kind, stream) => {
    const bytes = randomBytes(100_000);
    const before = await leftovers();
    const spooled = await spoolStream(stream(bytes) as Readable, signal, () => undefined);
    expect(spooled.digests.sha256).toBe(sha256(bytes));
    expect(spooled.file.path).toBeUndefined();
    expect(bytes.equals(await spooled.file.read({ start: 0, end: bytes.length }))).toBe(true);
    const copy = join(await tempDir(), "copy");
    await spooled.file.keep?.(copy);
    await spooled.file.close();
    expect(await leftovers()).toEqual(before);
    const kept = await openDiskFile(copy);
    expect(kept.size).toBe(bytes.length);
    await kept.close();
  });

  test.each<[string, string, () => Readable]>([
    ["ends without a byte", "FILE_EMPTY", () => Readable.from([])],
    [
      "breaks",
      "FILE_UNREADABLE",
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.from("half");
            throw new Error("the renderer died");
          })(),
        ),
    ],
    ["carries objects", "INVALID_ARGUMENT", () => Readable.from([{ frame: 1 }])],
  ])("[G7] a stream that %s is %s and leaves nothing behind", async (_what, code, stream) => {
    const before = await leftovers();
    await expect(spoolStream(stream(), signal, () => undefined)).rejects.toMatchObject({ code });
    expect(await leftovers()).toEqual(before);
  });
});

test("a small file is read once: what is sent is what was hashed, and what it was is still checked", async () => {
  const path = join(await tempDir(), "small.mp4");
  await writeFile(path, "what was hashed");
  const file = await openDiskFile(path);
  const held = await file.hold?.();
  expect(held?.toString()).toBe("what was hashed");
  expect(file.inMemory).toBe(true);
  await writeFile(path, "what came later");
  expect((await file.read({ start: 5, end: 8 })).toString()).toBe("was");
  await expect(file.assertUnchanged()).rejects.toMatchObject({ code: "FILE_CHANGED" });
  await file.close();
});

test("small files are held as long as there is room for them, which a closed one gives back", async () => {
  const folder = await tempDir();
  const path = join(folder, "1 MiB.mp4");
  await writeFile(path, Buffer.alloc(MIB));
  const files = await Promise.all(Array.from({ length: 20 }, () => openDiskFile(path)));
  const held = await Promise.all(files.map(async (file) => file.hold?.()));
  expect(held.filter((bytes) => bytes !== undefined)).toHaveLength(16);
  for (const file of files) await file.close();
  const another = await openDiskFile(path);
  expect(await another.hold?.()).toHaveLength(MIB);
  await another.close();
});
