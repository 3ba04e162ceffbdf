/** Odd files, odd names and odd surroundings: each either works as anything else does, or is told of and changes nothing. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createReelsync, type Reelsync, type UploadRequest } from "reelsync";
import { openDiskFile } from "../../agent-sdk/src/file/asset-file.ts";
import { partRanges, planUpload } from "../../agent-sdk/src/upload-plan.ts";
import type { ErrorCode } from "../../contract/error-code.ts";
import { MAX_OBJECT_BYTES, MAX_PARTS, MIB } from "../../contract/limits.ts";
import { tempDir } from "../support/temp-dir.ts";
import { startFaultProxy } from "./support/fault-proxy.ts";
import { refusals } from "./support/refusals.ts";
import { startStudio } from "./support/studio.ts";

const studio = startStudio();
const expectRefusal = refusals(studio);
let sceneId: string;

beforeAll(async () => {
  const reelsync = createReelsync({ env: studio.stack.agentEnv });
  ({ sceneId } = await studio.scene(reelsync));
  await reelsync.close();
});

function upload(reelsync: Reelsync, request: Partial<UploadRequest> = {}) {
  return reelsync.uploadWithConvexSync({
    file: randomBytes(100),
    entity: { type: "scene", id: sceneId },
    assetType: "video_chunk",
    contentType: "video/mp4",
    ...request,
  });
}

describe("[G7] a path behind which there are no bytes to have changes nothing", () => {
  test.each<[string, ErrorCode, (folder: string) => Promise<string>]>([
    ["a file in the place of a folder", "FILE_NOT_FOUND", async (dir) => join(await file(dir), "scene.mp4")],
    [
      "a symlink to nothing",
      "FILE_NOT_FOUND",
      async (dir) => {
        await symlink(join(dir, "gone.mp4"), join(dir, "link.mp4"));
        return join(dir, "link.mp4");
      },
    ],
    [
      "a loop of symlinks",
      "FILE_UNREADABLE",
      async (dir) => {
        await symlink(join(dir, "b.mp4"), join(dir, "a.mp4"));
        await symlink(join(dir, "a.mp4"), join(dir, "b.mp4"));
        return join(dir, "a.mp4");
      },
    ],
    [
      "a named pipe that nobody writes to",
      "FILE_UNREADABLE",
      async (dir) => {
        execFileSync("mkfifo", [join(dir, "pipe.mp4")]);
        return join(dir, "pipe.mp4");
      },
    ],
    [
      "a socket",
      "FILE_UNREADABLE",
      async (dir) => {
        const server = createServer().listen(join(dir, "socket.mp4"));
        onTestFinished(() => void server.close());
        return join(dir, "socket.mp4");
      },
    ],
    ["a device without end", "FILE_UNREADABLE", async () => "/dev/zero"],
    ["a path longer than the system takes", "FILE_UNREADABLE", async (dir) => join(dir, "x".repeat(5_000))],
    ["a path with a zero byte", "FILE_UNREADABLE", async (dir) => join(dir, "a\0b.mp4")],
  ])("%s: %s", async (_what, code, path) => {
    const { reelsync } = studio.client();
    const source = await path(await tempDir());
    await expectRefusal(code, () => upload(reelsync, { file: source }));
  });

  test.each<[string, RegExp, (dir: string) => Promise<string>]>([
    ["a missing file without an extension", /does not exist/, async (dir) => join(dir, "gone")],
    ["a folder", /is a directory/, async (dir) => dir],
    ["a device without end", /not a regular file .* regular file; what comes out/s, async () => "/dev/zero"],
    [
      "a loop of symlinks",
      /loop of symbolic links.* Name the file itself/,
      async (dir) => {
        await symlink(join(dir, "a"), join(dir, "a"));
        return join(dir, "a");
      },
    ],
  ])(
    "%s is told as that, whatever its name says of its type, and never as a matter of permission",
    async (_what, said, path) => {
      const { reelsync } = studio.client();
      const refused = upload(reelsync, { file: await path(await tempDir()) });
      await expect(refused).rejects.toThrow(said);
      await expect(refused).rejects.not.toThrow(/content type|permission/);
    },
  );

  async function file(folder: string): Promise<string> {
    await writeFile(join(folder, "file"), "film");
    return join(folder, "file");
  }
});

describe("sizes that S3's numbers do not fit", () => {
  async function sparse(size: number): Promise<string> {
    const path = join(await tempDir(), "sparse.mp4");
    const handle = await open(path, "w");
    await handle.truncate(size);
    await handle.close();
    return path;
  }

  test("a file of 10,001 usual parts gets larger ones, all equal, and few enough", async () => {
    const file = await openDiskFile(await sparse(10_001 * 16 * MIB));
    onTestFinished(() => file.close());
    const plan = planUpload(file.size, { multipartThreshold: 64 * MIB, signsParts: true });
    if (plan.kind !== "multipart") throw new Error("not in parts");
    expect(plan.partSize).toBeGreaterThan(16 * MIB);
    const sizes = [...partRanges(plan)].map(({ start, end }) => end - start);
    expect(sizes.length).toBeLessThanOrEqual(MAX_PARTS);
    expect(new Set(sizes.slice(0, -1))).toEqual(new Set([plan.partSize]));
    expect(sizes.reduce((sum, size) => sum + size)).toBe(file.size);
  });

  test("[G7] a byte more than an object may have: FILE_TOO_LARGE, before it is read", async () => {
    const { reelsync } = studio.client();
    const path = await sparse(MAX_OBJECT_BYTES + 1);
    await expectRefusal("FILE_TOO_LARGE", () => upload(reelsync, { file: path }));
  });
});

describe("[G7] names that a path, a URL or a header could trip over are only names", () => {
  test.each([
    ["spaces", " my  best take .mp4"],
    ["emoji", "🎬 final 🔥.mp4"],
    ["two dots", "../../etc/passwd.mp4"],
    ["nothing but dots", "..."],
    ["a newline", "first\nsecond.mp4"],
    ["a carriage return and a header", "a.mp4\r\nX-Injected: yes"],
    ["quotes and percent signs", `"100%41'.mp4`],
    ["characters of URLs", "a?b#c&d=e+f.mp4"],
    ["a backslash", "C:\\renders\\a.mp4"],
    ["a script of its own", "مشهد-١.mp4"],
    ["combining marks", "e\u0301te\u0301.mp4"],
    ["control characters", "a\u0001\u007fb.mp4"],
    ["a name of 1,000 characters", `${"long".repeat(250)}.mp4`],
  ])("%s", async (_what, fileName) => {
    const { reelsync } = studio.client();
    const { sceneId: own } = await studio.scene(reelsync);
    const file = randomBytes(200);
    const result = await upload(reelsync, { file, fileName, entity: { type: "scene", id: own } });
    if (result.state === "queued" || result.s3Key === undefined) throw new Error("not published");
    expect(result.s3Key).toMatch(/^t\/[^\s%?#"'\\\p{Cc}]+$/u);
    expect(result.s3Key.split("/")).not.toContain("..");
    expect(result.s3Key.split("/")).toHaveLength(8);
    expect(Buffer.byteLength(result.s3Key)).toBeLessThanOrEqual(1024);
    const answer = await fetch(result.url);
    expect(Buffer.from(await answer.arrayBuffer()).equals(file)).toBe(true);
    const rows = (await studio.rows("assets")).filter(({ entityId }) => entityId === own);
    expect(rows.map((row) => row["fileName"])).toEqual([fileName.slice(-200)]);
  });

  test("[G7] a key of 1,025 bytes is refused where keys are the caller's", async () => {
    const { reelsync } = studio.client();
    const key = `${"folder/".repeat(146)}abc`;
    expect(Buffer.byteLength(key)).toBe(1025);
    await expectRefusal("INVALID_ARGUMENT", () => reelsync.storage.save(key, Buffer.from("x")));
    for (const odd of ["../a", "a//b", "/a", "a\nb", "a/./b", ""]) {
      await expectRefusal("INVALID_ARGUMENT", () => reelsync.storage.save(odd, Buffer.from("x")));
    }
  });

  test("[G7] and where the deployment's prefix leaves too little room: STORAGE_UNCONFIGURED", async () => {
    const { reelsync } = studio.client();
    await studio.stack.setEnv({ S3_BASE_PREFIX: "prefix/".repeat(140) });
    try {
      const error = await expectRefusal("STORAGE_UNCONFIGURED", () => upload(reelsync));
      expect(error.message).toContain("S3_BASE_PREFIX");
    } finally {
      await studio.stack.setEnv({ S3_BASE_PREFIX: null });
    }
  });
});

test("[G7] a bucket in another region is told by its region, and changes nothing", async () => {
  const store = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  store.spoil = () => ({ status: 301, headers: { "x-amz-bucket-region": "eu-west-1" } });
  const { reelsync } = studio.client({ s3: { endpoint: store.url } });
  const error = await expectRefusal("S3_REGION_WRONG", () => upload(reelsync));
  expect(error.message).toContain("eu-west-1");
});

describe("[G1] a journal that cannot be read or written is never fatal", () => {
  test("rubbish in its folder is set aside and told of, and uploads go on", async () => {
    const journalDir = join(await tempDir(), "journal");
    const owner = join(journalDir, "1234-5678");
    await mkdir(join(owner, "entry"), { recursive: true });
    await writeFile(join(owner, "lease.json"), "no lease");
    await writeFile(join(owner, "entry", "entry.json"), randomBytes(500));
    await writeFile(join(journalDir, "stray"), "a file where folders are");
    const { reelsync, events } = studio.queueing({ journalDir });
    expect(await upload(reelsync)).toMatchObject({ state: "ready" });
    expect(await reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
    expect(events.filter(({ type }) => type === "upload.failed")).toEqual([]);
  });

  test("a folder that cannot be made costs the journal, not the upload", async () => {
    const blocked = join(await tempDir(), "file");
    await writeFile(blocked, "in the way");
    const { reelsync } = studio.queueing({ journalDir: join(blocked, "journal") });
    expect(await upload(reelsync)).toMatchObject({ state: "ready" });
  });
});
