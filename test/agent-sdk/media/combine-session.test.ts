import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CombineProgress, PublishedUpload, Reelsync } from "reelsync";
import { startStudio } from "../support/studio.ts";
import { colourAt, frameTimes, hasFfmpeg, lengthsOf, makeFilm, type Film } from "./film.ts";

const studio = startStudio();
const canFilm = hasFfmpeg();
const needs = canFilm ? "" : " (skipped: ffmpeg is not installed)";

let temporary: string;
let folder: string;
const before = { TMPDIR: process.env["TMPDIR"], PATH: process.env["PATH"] };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelsync-films-"));
  temporary = await mkdtemp(join(tmpdir(), "it's temporary-"));
  process.env["TMPDIR"] = temporary;
});
afterAll(async () => {
  if (before.TMPDIR === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before.TMPDIR;
  await rm(temporary, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

interface SceneToMake {
  chunks?: (Film | string)[];
  subtitle?: string;
  status?: "failed";
}

let count = 0;

async function session(
  reelsync: Reelsync,
  scenes: SceneToMake[],
  plannedSceneCount?: number,
): Promise<string> {
  const { sessionId } = await reelsync.createSession({
    title: "Reel",
    project: "demo",
    sessionKey: `combined-${++count}`,
    ...(plannedSceneCount !== undefined && { plannedSceneCount }),
  });
  for (const [index, { chunks = [], subtitle, status }] of scenes.entries()) {
    const sceneKey = `scene-${index}`;
    const scene = { sessionId, sceneKey, index, title: sceneKey };
    const { sceneId } = await reelsync.upsertScene(scene);
    const entity = { type: "scene", id: sceneId } as const;
    for (const [chunkIndex, chunk] of chunks.entries()) {
      const file =
        typeof chunk === "string" ? chunk : await makeFilm(folder, `${count}-${index}-${chunkIndex}`, chunk);
      await reelsync.uploadWithConvexSync({
        file,
        entity,
        assetType: "video_chunk",
        chunkIndex,
        ...typed(file),
      });
    }
    if (subtitle !== undefined) {
      const fileName = subtitle.startsWith("WEBVTT") ? "subtitle.vtt" : "subtitle.srt";
      await reelsync.uploadWithConvexSync({
        file: Buffer.from(subtitle),
        fileName,
        entity,
        assetType: "subtitle",
      });
    }
    if (status !== undefined) await reelsync.upsertScene({ ...scene, status });
  }
  return sessionId;
}

const typed = (file: string) => (file.endsWith(".ts") ? { contentType: "video/mp2t" } : {});

const seconds = (text: string) => `1\n00:00:00,100 --> 00:00:00,900\n${text}\n`;

async function stored(asset: PublishedUpload): Promise<string> {
  const path = join(folder, `${asset.assetId}-${asset.s3Key.split("/").pop() ?? ""}`);
  await writeFile(path, Buffer.from(await (await fetch(asset.url)).arrayBuffer()));
  return path;
}

describe.runIf(canFilm)("combineSession", () => {
  test(`[G2] joins chunks and scenes in order without encoding, and the session shows the result${needs}`, async () => {
    const { reelsync } = studio.client();
    const sessionId = await session(reelsync, [
      {
        chunks: [
          { colour: "red", seconds: 1 },
          { colour: "lime", seconds: 0.48 },
        ],
        subtitle: seconds("first"),
      },
      { chunks: [{ colour: "blue", seconds: 1.32 }] },
      { chunks: [{ colour: "white", seconds: 1 }], subtitle: seconds("third") },
    ]);
    const progress: CombineProgress[] = [];
    const combined = await reelsync.combineSession(sessionId, { onProgress: (one) => progress.push(one) });
    expect(combined).toMatchObject({ reencoded: false, gaps: [], video: { state: "ready", version: 1 } });

    const path = await stored(combined.video);
    const { whole, frames } = await lengthsOf(path);
    const frame = 1 / 25;
    expect(Math.abs(whole - 3.8)).toBeLessThanOrEqual(frame);
    expect(Math.abs(combined.durationMs / 1000 - 3.8)).toBeLessThanOrEqual(frame);
    expect(frames).toBe(3.8 * 25);
    for (const [joint, colour] of [
      [0, "red"],
      [1, "lime"],
      [1.48, "blue"],
      [2.8, "white"],
    ] as const) {
      expect(await colourAt(path, joint - frame / 2), `first frame at ${joint}`).toBe(colour);
      if (joint > 0) expect(await colourAt(path, joint - 1.5 * frame)).not.toBe(colour);
    }
    // No frame is missing, late or doubled at any joint.
    const times = await frameTimes(path);
    for (const [index, time] of times.entries()) expect(Math.abs(time - index * frame)).toBeLessThan(0.005);

    expect(combined.scenes).toEqual([
      { sceneKey: "scene-0", startMs: 0 },
      { sceneKey: "scene-1", startMs: expect.closeTo(1_480, -1) as number },
      { sceneKey: "scene-2", startMs: expect.closeTo(2_800, -1) as number },
    ]);
    expect(await readFile(await stored(combined.subtitle as PublishedUpload), "utf8")).toMatch(
      /^1\n00:00:00,100 --> 00:00:00,900\nfirst\n\n2\n00:00:02,9\d\d --> 00:00:03,7\d\d\nthird\n$/,
    );
    const [row] = (await studio.rows("sessions")).filter(({ _id }) => _id === sessionId);
    expect(row).toMatchObject({
      combinedVideoAssetId: combined.video.assetId,
      combinedSubtitleAssetId: combined.subtitle?.assetId,
    });
    expect(new Set(progress.map(({ phase }) => phase))).toEqual(
      new Set(["downloading", "combining", "uploading"]),
    );
    for (const { loaded, total } of progress) expect(loaded).toBeLessThanOrEqual(total);
    expect(await readdir(temporary)).toEqual([]);

    // [G3] The same scenes are the same asset.
    const again = await reelsync.combineSession(sessionId);
    expect(again.video).toMatchObject({ deduped: true, assetId: combined.video.assetId });
  });

  test(`encodes anew what differs in size, rate, sound or container, and every joint is still exact${needs}`, async () => {
    const { reelsync } = studio.client();
    const sessionId = await session(reelsync, [
      { chunks: [{ colour: "red", seconds: 1 }], subtitle: seconds("one") },
      {
        chunks: [{ colour: "lime", seconds: 0.8, size: "200x300", fps: 30 }],
        subtitle: `WEBVTT\n\n00:00.100 --> 00:00.700\ntwo`,
      },
      { chunks: [{ colour: "blue", seconds: 1, sound: false }] },
      { chunks: [{ colour: "white", seconds: 1.2, container: "webm" }] },
      { chunks: [{ colour: "red", seconds: 1, container: "ts" }], subtitle: seconds("five") },
    ]);
    const combined = await reelsync.combineSession(sessionId);
    expect(combined).toMatchObject({ reencoded: true, video: { state: "ready" } });
    const path = await stored(combined.video);
    const { whole, audio } = await lengthsOf(path);
    const starts = [...combined.scenes.map(({ startMs }) => startMs / 1000), combined.durationMs / 1000];
    expect(Math.abs(whole - (starts.at(-1) ?? 0))).toBeLessThanOrEqual(1 / 30);
    expect(Math.abs((audio ?? 0) - whole)).toBeLessThan(0.05);
    for (const [index, colour] of (["red", "lime", "blue", "white", "red"] as const).entries()) {
      const [start = 0, end = 0] = starts.slice(index, index + 2);
      expect(await colourAt(path, start + 1 / 30), `begin of scene ${index}`).toBe(colour);
      expect(await colourAt(path, end - 1.5 / 30), `end of scene ${index}`).toBe(colour);
    }
    const merged = await readFile(await stored(combined.subtitle as PublishedUpload), "utf8");
    expect(merged).toMatch(
      /^WEBVTT\n\n00:00:00\.100 --> 00:00:00\.900\none\n\n00:00:01\.1\d\d --> 00:00:01\.7\d\d\ntwo\n\n/,
    );
    const fifth = /(\d\d):(\d\d):(\d\d\.\d{3}) --> \S+\nfive\n$/.exec(merged);
    expect(Number(fifth?.[3])).toBeCloseTo((starts[4] ?? 0) + 0.1, 2);
    expect(await readdir(temporary)).toEqual([]);
  });

  test(`WebM that agrees stays WebM${needs}`, async () => {
    const { reelsync } = studio.client();
    const sessionId = await session(reelsync, [
      { chunks: [{ colour: "red", seconds: 1, container: "webm" }] },
      { chunks: [{ colour: "blue", seconds: 1, container: "webm" }] },
    ]);
    const { video, reencoded, subtitle } = await reelsync.combineSession(sessionId);
    expect({ reencoded, subtitle }).toEqual({ reencoded: false, subtitle: undefined });
    expect(video.s3Key).toMatch(/combined\.webm$/);
    expect(await colourAt(await stored(video), 1.1)).toBe("blue");
  });

  test(`joins scenes that the bucket and a folder keep, whichever the client's own is${needs}`, async () => {
    const { reelsync: inBucket } = studio.client();
    const { reelsync: inFolder } = studio.client({ storageType: "LOCAL" });
    const sessionId = await session(inBucket, [{ chunks: [{ colour: "red", seconds: 1 }] }]);
    const { sceneId } = await inFolder.upsertScene({ sessionId, sceneKey: "b", index: 1, title: "b" });
    await inFolder.uploadWithConvexSync({
      file: await makeFilm(folder, `${count}-folder`, { colour: "blue", seconds: 1 }),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
      chunkIndex: 0,
    });
    for (const client of [inBucket, inFolder]) {
      const { video, scenes } = await client.combineSession(sessionId);
      expect(scenes).toHaveLength(2);
      const path = await stored(video);
      expect(await colourAt(path, 0.2)).toBe("red");
      expect(await colourAt(path, 1.2)).toBe("blue");
    }
  });

  test(`[G7] a scene that is missing, failed or incomplete is refused by name, unless gaps are allowed${needs}`, async () => {
    const { reelsync } = studio.client();
    const red = { colour: "red", seconds: 1 } as const;
    const sessionId = await session(
      reelsync,
      [{ chunks: [red] }, {}, { status: "failed" }, { chunks: [{ ...red, colour: "lime" }] }],
      6,
    );
    const snapshot = await studio.snapshot();
    const refused = await reelsync.combineSession(sessionId).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ code: "SCENE_NOT_READY" });
    expect((refused as Error).message).toContain(
      "Not ready: scene-1 (no video), scene-2 (failed), 2 planned scenes (not begun)",
    );
    expect(await studio.snapshot()).toEqual(snapshot);

    const combined = await reelsync.combineSession(sessionId, { allowGaps: true });
    expect(combined.gaps).toEqual(["scene-1 (no video)", "scene-2 (failed)", "2 planned scenes (not begun)"]);
    expect(combined.scenes.map(({ sceneKey }) => sceneKey)).toEqual(["scene-0", "scene-3"]);

    const empty = await session(reelsync, [{}]);
    await expect(reelsync.combineSession(empty, { allowGaps: true })).rejects.toMatchObject({
      code: "SCENE_NOT_READY",
    });
    await expect(reelsync.combineSession("nothing")).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
  });

  test(`[G7] what is no video is refused by the scene's name, and nothing is read on its behalf${needs}`, async () => {
    const { reelsync } = studio.client();
    const secret = await makeFilm(folder, "secret", { colour: "white", seconds: 1 });
    const playlist = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${secret}\n#EXT-X-ENDLIST\n`;
    const script = `ffconcat version 1.0\nfile '${secret}'\n`;
    for (const [name, content] of [
      ["noise", randomBytes(5_000)],
      ["playlist", playlist],
      ["script", script],
    ] as const) {
      const sessionId = await session(reelsync, [
        { chunks: [{ colour: "red", seconds: 1 }] },
        { chunks: [await studio.file(`${name}.mp4`, content)] },
      ]);
      const refused = await reelsync.combineSession(sessionId).catch((error: unknown) => error as Error);
      expect(refused, name).toMatchObject({ code: "MEDIA_INVALID" });
      expect((refused as Error).message).toContain('Chunk 0 of scene "scene-1"');
    }
    const sessionId = await session(reelsync, [
      { chunks: [{ colour: "red", seconds: 1 }], subtitle: "1\n00:00:99,000 --> nonsense\nx" },
    ]);
    await expect(reelsync.combineSession(sessionId)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    expect(await readdir(temporary)).toEqual([]);
  });

  test(`cancelled while ffmpeg works, it ends ffmpeg, leaves no file and no record${needs}`, async () => {
    const { reelsync } = studio.client();
    const sessionId = await session(reelsync, [
      { chunks: [{ colour: "red", seconds: 20 }] },
      { chunks: [{ colour: "blue", seconds: 20, size: "640x360" }] },
    ]);
    const snapshot = await studio.snapshot();
    const cancel = new AbortController();
    const combined = reelsync.combineSession(sessionId, {
      signal: cancel.signal,
      onProgress: ({ phase, loaded }) => {
        if (phase === "combining" && loaded > 0) cancel.abort();
      },
    });
    await expect(combined).rejects.toMatchObject({ code: "ABORTED" });
    expect(await readdir(temporary)).toEqual([]);
    expect(await studio.snapshot()).toEqual(snapshot);
  });
});

test("[G7] without ffmpeg the fix is named, before a byte is downloaded", async () => {
  const { reelsync } = studio.client();
  const sessionId = await session(reelsync, [{ chunks: [await studio.file("a.mp4", "no video needed")] }]);
  process.env["PATH"] = temporary;
  try {
    const refused = await reelsync.combineSession(sessionId).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ code: "FFMPEG_MISSING" });
    expect((refused as Error).message).toContain("Install ffmpeg");
  } finally {
    process.env["PATH"] = before.PATH;
  }
});
