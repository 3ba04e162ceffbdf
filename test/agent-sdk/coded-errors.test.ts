/** Whatever a call throws is coded by what is at fault: this machine's disk, an argument; what the caller's own functions throw stays his. */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { isReelsyncError, type Reelsync } from "reelsync";
import { MIB } from "../../contract/limits.ts";
import { smallDisk, whyNoSmallDisk } from "../support/small-disk.ts";
import { tempDir } from "../support/temp-dir.ts";
import { startStudio } from "./support/studio.ts";

const studio = startStudio();
const noSmallDisk = whyNoSmallDisk();

/** For the running test, which has made its own folders before. */
function setTemporaryFolder(path: string): void {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = path;
  onTestFinished(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
}

/** Calls that need room for temporary files, of a client that has an asset of 2 MiB. */
async function needyCalls(reelsync: Reelsync<"strict">) {
  const { sceneId } = await studio.scene(reelsync);
  const where = { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
  const { assetId } = await reelsync.uploadWithConvexSync({ ...where, file: randomBytes(2 * MIB) });
  const stream = () => Readable.from([randomBytes(MIB), randomBytes(MIB)]);
  return {
    stream: () => reelsync.uploadWithConvexSync({ ...where, chunkIndex: 1, file: stream() }),
    save: () => reelsync.storage.save("mirror/a.bin", stream()),
    copy: () => reelsync.withLocalCopy(assetId, async () => undefined),
  };
}

const DISK = { code: "DISK_UNAVAILABLE", retryable: true, hint: expect.stringContaining("TMPDIR") as string };

describe("[G7] a disk that does not take temporary files is told as that, and nothing changes", () => {
  test("the folder of TMPDIR is missing", async () => {
    const calls = await needyCalls(studio.client().reelsync);
    const missing = join(await tempDir(), "missing");
    const before = await studio.snapshot();
    setTemporaryFolder(missing);
    for (const call of Object.values(calls)) {
      const error = await call().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ ...DISK, message: expect.stringContaining(missing) as string });
    }
    expect(await studio.snapshot()).toEqual(before);
  });

  test.skipIf(noSmallDisk !== undefined)("it is full", async () => {
    const calls = await needyCalls(studio.client().reelsync);
    const disk = await smallDisk();
    const before = await studio.snapshot();
    setTemporaryFolder(disk.path);
    for (const call of Object.values(calls)) await expect(call()).rejects.toMatchObject(DISK);
    expect(await studio.snapshot()).toEqual(before);
    // Nothing half-written stays on it.
    expect(await disk.usedBytes()).toBeLessThan(64 * 1024);
  });
});

test("[G7] arguments of a wrong kind are INVALID_ARGUMENT", async () => {
  const { reelsync } = studio.client();
  const folder = await tempDir();
  await writeFile(join(folder, "a.txt"), "text");
  const wrong = (value: unknown) => value as never;
  for (const call of [
    () => reelsync.uploadDir(folder, wrong(5)),
    () => reelsync.uploadWithConvexSync(wrong(undefined)),
    () => reelsync.uploadWithConvexSync(wrong({ file: "a.mp4", assetType: "video_chunk" })),
    () => reelsync.endSession(wrong(undefined)),
    () => reelsync.withLocalCopy(wrong(null), async () => undefined),
    () => reelsync.cleanupWithConvexSync(wrong(7)),
  ]) {
    const error = await call().catch((thrown: unknown) => thrown);
    expect(isReelsyncError(error) && error.code, String(error)).toBe("INVALID_ARGUMENT");
  }
});

/** What a JavaScript engine says of a value it cannot use, which names no argument. */
const ENGINES_WORDS =
  /Cannot (read|destructure)|undefined \(|is not (a function|iterable|an object)|intermediate value/;

test("[G7] every public call names the argument that is missing or of another kind", async () => {
  const { reelsync } = studio.client();
  const before = await studio.snapshot();
  const { deadLetters, storage: _checkedElsewhere, ...client } = reelsync;
  const functions = (of: object) => Object.entries(of).filter(([, value]) => typeof value === "function");
  const calls = [...functions(client), ...functions(deadLetters)] as [
    string,
    (...args: unknown[]) => unknown,
  ][];
  expect(calls.length).toBeGreaterThan(20);
  const needNothing = ["close", "drain", "list", "watch"];
  for (const [name, call] of calls) {
    const wrong = [[], [null], [7], [{}], ["a"], ["a", null], [{}, 7], ["a", {}], ["a", [null]]];
    for (const args of needNothing.includes(name) ? [[7], [null]] : wrong) {
      if (call === deadLetters.watch) continue;
      const outcome = await (async () => call(...args))().catch((thrown: unknown) => thrown);
      if (!(outcome instanceof Error)) continue;
      expect(isReelsyncError(outcome), `${name}(${JSON.stringify(args)}): ${outcome.message}`).toBe(true);
      expect(outcome.message, `${name}(${JSON.stringify(args)})`).not.toMatch(ENGINES_WORDS);
      if (args.length === 0) expect(outcome).toMatchObject({ code: "INVALID_ARGUMENT", retryable: false });
    }
  }
  await expect(reelsync.uploadWithConvexSync(undefined as never)).rejects.toThrow(
    "uploadWithConvexSync: request is undefined, expected an object",
  );
  const where = { assetType: "video_chunk", fileName: "a.mp4" };
  for (const [request, message] of [
    [{ ...where, entity: null }, "entity is missing"],
    [{ ...where, entity: { type: "scene", id: "x" } }, "file is neither a path"],
    [{ ...where, entity: { type: "scene", id: "x" }, file: 7 }, "file is neither a path"],
  ] as const) {
    await expect(reelsync.uploadWithConvexSync(request as never)).rejects.toThrow(message);
  }
  expect(await studio.snapshot()).toEqual(before);
});

test("what the caller's own function throws reaches him as he threw it", async () => {
  const { reelsync } = studio.client();
  const { sceneId } = await studio.scene(reelsync);
  const entity = { type: "scene", id: sceneId } as const;
  const { assetId } = await reelsync.uploadWithConvexSync({
    file: randomBytes(10),
    entity,
    assetType: "video_chunk",
  });
  const own = new TypeError("his own");
  const throwing = () => {
    throw own;
  };
  await expect(reelsync.withLocalCopy(assetId, throwing)).rejects.toBe(own);
  const folder = join(await tempDir(), "run");
  await mkdir(folder);
  const session = { project: "demo" };
  await expect(reelsync.syncDir(folder, { session, dryRun: true, onPlan: throwing })).rejects.toBe(own);
});

test("[G7] a storage call with what is no key, prefix or method is refused by name, and asks for nothing", async () => {
  const { reelsync } = studio.client();
  const storage = reelsync.storage as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const before = await studio.snapshot();
  for (const wrong of [undefined, null, 7, {}]) {
    const calls = ["load", "stat", "exists", "getSize", "delete", "save"].map((name) =>
      storage[name]?.(wrong, randomBytes(1)),
    );
    for (const call of [...calls, storage["getPresignedUrl"]?.("GET", wrong)]) {
      await expect(call).rejects.toMatchObject({ code: "INVALID_ARGUMENT", retryable: false });
    }
  }
  await expect(storage["getPresignedUrl"]?.("POST", "a.mp4")).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("POST") as string,
  });
  const files = reelsync.storage.listFiles(7 as never);
  for (const listing of [files, files.pages()]) {
    const read = (async () => {
      for await (const _ of listing) continue;
    })();
    await expect(read).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  }
  expect(await studio.snapshot()).toEqual(before);
});
