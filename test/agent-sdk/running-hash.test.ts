import { createHash, randomBytes } from "node:crypto";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { openDiskFile, type AssetFile, type ByteRange } from "../../agent-sdk/src/file/asset-file.ts";
import { hashWhileRead } from "../../agent-sdk/src/file/running-hash.ts";
import { partRanges, type MultipartPlan } from "../../agent-sdk/src/upload-plan.ts";
import { tempDir } from "../support/temp-dir.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const PART = 1000;
const FILM = randomBytes(9 * PART + 1);
const PARTS = [...partRanges({ size: FILM.length, partSize: PART })];

function planOf(signed: boolean): MultipartPlan {
  return { kind: "multipart", size: FILM.length, partSize: PART, partCount: PARTS.length, signed };
}

/** A real file that notes what is read of it. `before` happens ahead of every read. */
async function watched(before: (range: ByteRange) => Promise<void> = async () => undefined) {
  const path = join(await tempDir(), "film.mp4");
  await writeFile(path, FILM);
  const disk = await openDiskFile(path);
  onTestFinished(() => disk.close());
  const reads: number[] = [];
  const file: AssetFile = {
    ...disk,
    async read(range, into) {
      reads.push(range.end - range.start);
      await before(range);
      return disk.read(range, into);
    },
  };
  return { path, file, bytesRead: () => reads.reduce((sum, size) => sum + size, 0) };
}

test.each([true, false])(
  "the hash of a file whose parts are read beside each other is that of the whole; parts signed: %s",
  async (signed) => {
    // The later ones are there first.
    const { file, bytesRead } = await watched(async ({ start }) => {
      for (let turns = FILM.length - start; turns > 0; turns -= PART) await new Promise(setImmediate);
    });
    const hash = hashWhileRead(file, planOf(signed));
    expect(hash.digests.sha256).toBeUndefined();
    const parts = await Promise.all(PARTS.map((range) => hash.file.read(range)));
    expect(Buffer.concat(parts).equals(FILM)).toBe(true);
    expect(await hash.finish()).toBe(sha256(FILM));
    expect(hash.digests.sha256).toBe(sha256(FILM));
    expect(hash.digests.parts).toEqual(signed ? parts.map(sha256) : []);
    expect(bytesRead()).toBe(FILM.length);
  },
);

test("what is read again is not hashed again, and what nobody has read is read in the end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(PARTS.length),
      fc.array(fc.nat(PARTS.length - 1), { maxLength: 6 }),
      async (read, again) => {
        const { file, bytesRead } = await watched();
        const hash = hashWhileRead(file, planOf(true));
        await Promise.all(PARTS.slice(0, read).map((range) => hash.file.read(range)));
        const repeated = again.filter((part) => part < read).map((part) => PARTS[part]!);
        await Promise.all(repeated.map((range) => hash.file.read(range)));
        expect(await hash.finish()).toBe(sha256(FILM));
        expect(await hash.finish()).toBe(sha256(FILM));
        const sizes = repeated.map(({ start, end }) => end - start);
        expect(bytesRead()).toBe(sizes.reduce((sum, size) => sum + size, FILM.length));
      },
    ),
    { numRuns: 40 },
  );
});

test("a part that could not be read keeps nobody waiting, and is hashed in the end", async () => {
  let fails = true;
  const { file } = await watched(async ({ start }) => {
    if (start === PART && fails) throw new Error("the disk hiccups");
  });
  const hash = hashWhileRead(file, planOf(false));
  const read = await Promise.allSettled(PARTS.slice(0, 4).map((range) => hash.file.read(range)));
  expect(read.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  fails = false;
  expect(await hash.finish()).toBe(sha256(FILM));
});

test("[G2] there is no hash of a file that is not what it was when it was opened", async () => {
  const { path, file } = await watched();
  const hash = hashWhileRead(file, planOf(false));
  for (const range of PARTS) await hash.file.read(range);
  await appendFile(path, "more");
  await expect(hash.finish()).rejects.toMatchObject({ code: "FILE_CHANGED" });
  await writeFile(path, FILM);
  await expect(hash.finish()).rejects.toMatchObject({ code: "FILE_CHANGED" });
});
