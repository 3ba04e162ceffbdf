/** A session's scenes as one video with one file of subtitles: its `combined_video` and `combined_subtitle`. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pMap from "p-map";
import type { Asset } from "../../../contract/asset.ts";
import type { Call } from "../call.ts";
import type { Mode } from "../config.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { callGuarded } from "../events.ts";
import { openTemporaryFile, withTemporaryFolder } from "../file/temporary-file.ts";
import type { LineRequest, PublishedUpload, UploadResult } from "../upload-request.ts";
import { fetchAsset } from "./fetch-asset.ts";
import { assertFfmpeg } from "./ffmpeg.ts";
import { joinVideos } from "./join-videos.ts";
import type { LocalCopyParts } from "./local-copy.ts";
import { planReel, type ReelScene } from "./reel-plan.ts";
import { formatSubtitles, mergeSubtitles, parseSubtitles, type Placed } from "./subtitles.ts";

export interface CombineOptions {
  /** Combines what there is, and says in `gaps` what is not ready. Otherwise every scene has to be. */
  allowGaps?: boolean;
  signal?: AbortSignal;
  /** Longest time for all of it: downloads, ffmpeg and uploads. */
  timeoutMs?: number;
  onProgress?: (progress: CombineProgress) => void;
}

export interface CombineProgress {
  phase: "downloading" | "combining" | "uploading";
  /** Bytes while they move, milliseconds of media while ffmpeg works. */
  loaded: number;
  total: number;
}

export interface CombinedSession<Result = UploadResult> {
  video: Result;
  /** Absent when no scene has subtitles. */
  subtitle?: Result;
  durationMs: number;
  /** Keys of the scenes in it, in order, and where each begins. */
  scenes: { sceneKey: string; startMs: number }[];
  /** Scenes that are not ready, each with the reason; what video they have is in it. */
  gaps: string[];
  /** False when the streams agreed and were copied as they are. */
  reencoded: boolean;
}

export interface SessionCombiner<M extends Mode = Mode> {
  /**
   * Joins the session's scene videos in order and merges their subtitles, shifted by the scenes' real lengths, into the
   * session's `combined_video` and `combined_subtitle`. Needs ffmpeg and ffprobe on the PATH.
   */
  combineSession: (
    sessionId: string,
    options?: CombineOptions,
  ) => Promise<CombinedSession<M extends "strict" ? PublishedUpload : UploadResult>>;
}

/** More at once would share the same line. */
const DOWNLOADS_AT_ONCE = 4;

export async function combineSession(
  { records, source, upload }: LocalCopyParts,
  sessionId: string,
  { allowGaps = false, onProgress }: CombineOptions,
  call: Call,
): Promise<CombinedSession> {
  const { signal } = call;
  const report = (phase: CombineProgress["phase"], loaded: number, total: number) => {
    if (onProgress !== undefined)
      callGuarded(onProgress, { phase, loaded: Math.round(loaded), total: Math.round(total) });
  };
  await assertFfmpeg(signal);
  const { scenes, gaps } = await planReel(records, sessionId, allowGaps, call);

  return withTemporaryFolder("combine", async (folder) => {
    const files = filesOf(scenes, folder);
    const total = files.reduce((sum, { asset }) => sum + asset.size, 0);
    let loaded = 0;
    const onBytes = (bytes: number) => report("downloading", (loaded += bytes), total);
    const fetchOne = ({ asset, path }: SceneFile) => fetchAsset(source, asset, path, call, onBytes);
    await pMap(files, fetchOne, { concurrency: DOWNLOADS_AT_ONCE, signal });

    const chunks = files.filter(({ chunkIndex }) => chunkIndex !== undefined);
    const joined = await joinVideos(chunks, {
      folder,
      signal,
      onProgress: (doneMs, totalMs) => report("combining", doneMs, totalMs),
    });
    const placed = placeScenes(scenes, chunks, joined.durationsMs);
    const durationMs = Math.round(joined.durationsMs.reduce((sum, each) => sum + each, 0));
    const subtitles = await subtitlesOf(placed, files);
    signal.throwIfAborted();

    const common = { signal, entity: { type: "session", id: sessionId }, durationMs } as const;
    const send = (request: Omit<LineRequest, "file">, path: string) =>
      upload({
        ...request,
        file: () => openTemporaryFile(path),
        timeoutMs: Math.max(1, call.remainingMs()),
        onProgress: ({ phase, loaded: sent, total: size }) => {
          if (phase === "uploading") report("uploading", sent, size);
        },
      });
    const video = await send(
      {
        ...common,
        assetType: "combined_video",
        contentType: joined.contentType,
        fileName: joined.contentType === "video/webm" ? "combined.webm" : "combined.mp4",
        metadata: { scenes: scenes.length, gaps: gaps.length, reencoded: joined.reencoded },
      },
      joined.path,
    );
    const result = {
      video,
      durationMs,
      scenes: placed.map(({ sceneKey, startMs }) => ({ sceneKey, startMs: Math.round(startMs) })),
      gaps,
      reencoded: joined.reencoded,
    };
    if (subtitles === undefined) return result;
    const path = join(folder, `combined.${subtitles.format}`);
    await writeFile(path, formatSubtitles(subtitles));
    const subtitle = await send(
      {
        ...common,
        assetType: "combined_subtitle",
        contentType: subtitles.format === "vtt" ? "text/vtt" : "application/x-subrip",
        fileName: `combined.${subtitles.format}`,
      },
      path,
    );
    return { ...result, subtitle };
  });
}

interface SceneFile {
  asset: Asset;
  sceneKey: string;
  /** Absent for subtitles. */
  chunkIndex: number | undefined;
  path: string;
  /** What people know it as. */
  name: string;
}

function filesOf(scenes: readonly ReelScene[], folder: string): SceneFile[] {
  return scenes.flatMap(({ sceneKey, chunks, subtitle }, place) => [
    ...chunks.map((asset) => ({
      asset,
      sceneKey,
      chunkIndex: asset.chunkIndex,
      path: join(folder, `scene-${place}-${asset.chunkIndex}`),
      name: `Chunk ${asset.chunkIndex} of scene "${sceneKey}"`,
    })),
    ...(subtitle === undefined
      ? []
      : [
          {
            asset: subtitle,
            sceneKey,
            chunkIndex: undefined,
            path: join(folder, `scene-${place}-subtitle`),
            name: `The subtitles of scene "${sceneKey}"`,
          },
        ]),
  ]);
}

interface PlacedScene {
  sceneKey: string;
  startMs: number;
  durationMs: number;
}

function placeScenes(
  scenes: readonly ReelScene[],
  chunks: readonly SceneFile[],
  durationsMs: readonly number[],
): PlacedScene[] {
  let startMs = 0;
  return scenes.map(({ sceneKey }) => {
    const durationMs = chunks.reduce(
      (sum, chunk, index) => (chunk.sceneKey === sceneKey ? sum + (durationsMs[index] ?? 0) : sum),
      0,
    );
    const placed = { sceneKey, startMs, durationMs };
    startMs += durationMs;
    return placed;
  });
}

/** Subtitles are small enough to be read as one text, whatever the videos are. */
async function subtitlesOf(placed: readonly PlacedScene[], files: readonly SceneFile[]) {
  const parts: Placed[] = [];
  for (const { sceneKey, startMs, durationMs } of placed) {
    const file = files.find((one) => one.sceneKey === sceneKey && one.chunkIndex === undefined);
    if (file === undefined) continue;
    try {
      parts.push({ subtitles: parseSubtitles(await readFile(file.path, "utf8")), startMs, durationMs });
    } catch (error) {
      if (!isReelsyncError(error) || error.code !== "MEDIA_INVALID") throw error;
      throw new ReelsyncError("MEDIA_INVALID", `Scene "${sceneKey}": ${error.message}`, { cause: error });
    }
  }
  return parts.length === 0 ? undefined : mergeSubtitles(parts);
}
