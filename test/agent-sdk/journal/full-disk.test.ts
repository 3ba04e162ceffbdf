/** A disk that is really full, under the journal and the dead letters. What a full disk does between writes is test/chaos. */
import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ReelsyncOptions } from "reelsync";
import { KIB, MIB } from "../../../contract/limits.ts";
import { smallDisk, whyNoSmallDisk, type SmallDisk } from "../../support/small-disk.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio } from "../support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const why = whyNoSmallDisk();
const onFullDisk = (title: string, run: () => Promise<void>) =>
  test.skipIf(why !== undefined)(why === undefined ? title : `${title} (skipped: ${why})`, run, 60_000);

/** Few failures, so that no circuit opens and keeps the test waiting. */
const ONE_ATTEMPT = { attempts: 1, baseDelayMs: 200, maxDelayMs: 200 };

/** A queueing client with its folders on the disk, and an S3 that is down until it is mended. */
async function agentOn({ path }: SmallDisk, options: ReelsyncOptions = {}) {
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const convex = await startFaultProxy(studio.stack.local.deployment.url);
  const client = studio.queueing({
    journalDir: join(path, "journal"),
    deadLetterDir: join(path, "letters"),
    s3: { endpoint: proxy.url, maxAttempts: 1 },
    convexUrl: convex.url,
    retry: ONE_ATTEMPT,
    ...options,
  });
  const { sceneId } = await studio.scene(client.reelsync);
  proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
  return {
    ...client,
    sceneId,
    upload: (file: Uint8Array | string, chunkIndex = 0) =>
      client.reelsync.uploadWithConvexSync({
        file,
        entity: { type: "scene", id: sceneId },
        assetType: "video_chunk",
        chunkIndex,
        ...(typeof file !== "string" && { fileName: "film.mp4" }),
      }),
    convex,
    mend: () => (proxy.spoil = () => undefined),
  };
}

/** Files of uploads; what a living client owns its folder by does not count. */
async function leftOn({ path }: SmallDisk): Promise<string[]> {
  const all = await readdir(path, { recursive: true, withFileTypes: true });
  const files = all.filter((one) => one.isFile()).map(({ name }) => name);
  return files.filter((name) => name !== "lease.json" && name !== "filler" && name !== "ahead.log");
}

async function expectStored(sceneId: string, contents: Uint8Array[]) {
  const rows = (await studio.rows("assets")).filter(
    ({ entityId, status }) => entityId === sceneId && status === "ready",
  );
  expect(rows.map(({ checksum }) => checksum).sort()).toEqual(contents.map(sha256).sort());
  for (const { s3Key, checksum } of rows) expect(await studio.bucket.sha256(String(s3Key))).toBe(checksum);
}

onFullDisk(
  "[G1] an upload that the disk does not hold is refused with its cause, and leaves nothing on it",
  async () => {
    const disk = await smallDisk();
    const { upload, mend, sceneId, reelsync, events } = await agentOn(disk);
    const film = randomBytes(2 * MIB);
    const refused = upload(film);
    await expect(refused).rejects.toMatchObject({
      code: "S3_UNAVAILABLE",
      message: expect.stringMatching(/ENOSPC/) as string,
    });
    await expect(refused).rejects.toMatchObject({ deadLetter: undefined });
    expect(await leftOn(disk)).toEqual([]);
    expect(await disk.usedBytes()).toBeLessThan(64 * KIB);
    const [row] = (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);
    expect(row).toMatchObject({ status: "error" });

    // What does fit is kept as ever, by the same client.
    const small = randomBytes(10 * KIB);
    expect(await upload(small, 1)).toMatchObject({ state: "queued" });
    mend();
    expect(await upload(film)).toMatchObject({ state: "ready" });
    await reelsync.drain();
    await expectStored(sceneId, [film, small]);
    expect(events.some(({ type }) => type === "journal.quarantined")).toBe(false);
  },
);

onFullDisk(
  "[G1] on a full disk uploads go on, and an outage ends in its own code; with room again they wait",
  async () => {
    const disk = await smallDisk();
    const { upload, mend, sceneId, reelsync, convex, journalDir } = await agentOn(disk);
    await disk.fill();
    const film = randomBytes(10 * KIB);
    const file = await studio.file("film.mp4", film);
    // The letter of a file that stays where it is needs no room, as long as somebody can be told.
    await expect(upload(file)).rejects.toMatchObject({
      code: "S3_UNAVAILABLE",
      deadLetter: { delivered: true },
    });
    await expect(upload(film, 1)).rejects.toMatchObject({ code: "S3_UNAVAILABLE" });
    convex.spoil = ({ body }) =>
      body.includes("assets:begin") || body.includes("deadLetters") ? { status: 503 } : undefined;
    for (const [index, source] of [file, film].entries()) {
      await expect(upload(source, 2 + index)).rejects.toMatchObject({
        code: "CONVEX_UNAVAILABLE",
        message: expect.stringMatching(/ENOSPC/) as string,
      });
    }
    expect(await leftOn(disk)).toEqual([]);
    convex.spoil = () => undefined;
    mend();
    expect(await upload(file, 4)).toMatchObject({ state: "ready" });

    await disk.empty();
    const other = randomBytes(10 * KIB);
    convex.spoil = ({ body }) => (body.includes("assets:commit") ? { status: 503 } : undefined);
    expect(await upload(other, 5)).toMatchObject({ state: "queued" });
    convex.spoil = () => undefined;
    expect(await reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
    await expectStored(sceneId, [film, other]);
    await reelsync.close();
    expect(await readdir(journalDir).catch(() => [])).toEqual([]);
  },
);

onFullDisk(
  "[G1] what was queued stays queued when it is given up on and there is no room for its letter",
  async () => {
    const disk = await smallDisk();
    const { upload, mend, sceneId, reelsync, convex, events } = await agentOn(disk, {
      journal: { maxAttempts: 1 },
    });
    const film = randomBytes(100 * KIB);
    convex.spoil = ({ body }) =>
      /assets:(begin|commit)|deadLetters/.test(body) ? { status: 503 } : undefined;
    const giveUp = new Promise<void>((resolve) => {
      reelsync.on(({ type }) => type === "warning" && resolve());
    });
    const filled = new Promise<void>((resolve, reject) => {
      reelsync.on(({ type }) => type === "upload.queued" && void disk.fill().then(resolve, reject));
    });
    expect(await upload(film)).toMatchObject({ state: "queued" });
    await filled;
    await giveUp;
    expect(await reelsync.drain()).toMatchObject({ sent: 0, waiting: 1 });
    expect(reelsync.journal).toMatchObject({ waiting: 1 });

    await disk.empty();
    convex.spoil = () => undefined;
    mend();
    await reelsync.drain();
    await expectStored(sceneId, [film]);
    expect(events.filter(({ type }) => type === "deadLetter.parked")).toEqual([]);
  },
);

onFullDisk(
  "[G1] a client that starts on a full disk says so, and takes over what waits there once there is room",
  async () => {
    const disk = await smallDisk();
    const first = await agentOn(disk);
    const film = randomBytes(100 * KIB);
    expect(await first.upload(film)).toMatchObject({ state: "queued" });
    await first.reelsync.close({ graceMs: 0 });
    await disk.fill();
    const { reelsync, events, mend } = await agentOn(disk);
    mend();
    await expect(reelsync.drain()).rejects.toMatchObject({
      code: "JOURNAL_FULL",
      message: expect.stringMatching(/ENOSPC/) as string,
    });
    await disk.empty();
    expect(await reelsync.drain()).toEqual({ sent: 1, failed: 0, waiting: 0 });
    await expectStored(first.sceneId, [film]);
    expect(events.some(({ type }) => type === "journal.quarantined")).toBe(false);
    await reelsync.close();
    expect(await readdir(disk.path)).not.toContain("journal");
  },
);
