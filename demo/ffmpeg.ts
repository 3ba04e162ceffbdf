/** Draws one chunk of a demo scene with ffmpeg: picture, marker and sound, as MP4 (H.264/AAC) with the index in front. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { markerFilter } from "./marker.ts";
import { type DemoScene, FRAME } from "./scenes.ts";

const run = promisify(execFile);

/** True when an ffmpeg that can do what the demo needs is on the PATH. */
export function hasFfmpeg(): boolean {
  const encoders = spawnSync("ffmpeg", ["-hide_banner", "-encoders"], { encoding: "utf8" });
  return encoders.status === 0 && encoders.stdout.includes("libx264") && encoders.stdout.includes(" aac ");
}

export interface Chunk {
  scene: DemoScene;
  sceneNumber: number;
  chunkIndex: number;
  /** Which rendering of the scene this is, from 1; drawn into the marker. */
  take: number;
}

export async function drawChunk(chunk: Chunk, file: string): Promise<void> {
  const { scene, chunkIndex, take } = chunk;
  const seconds = scene.chunkSeconds[chunkIndex];
  if (seconds === undefined) throw new RangeError(`${scene.sceneKey} has no chunk ${chunkIndex}`);
  const skipSeconds = scene.chunkSeconds.slice(0, chunkIndex).reduce((sum, each) => sum + each, 0);
  const filters = [
    scene.filters,
    take > 1 ? "hue=h=40" : undefined,
    "setsar=1",
    "format=yuv420p",
    markerFilter(chunk),
  ];
  const sound = scene.chord.map((hz) => `sin(2*PI*${hz}*t)`).join("+");
  await run("ffmpeg", [
    ...["-hide_banner", "-loglevel", "error", "-nostdin", "-y"],
    ...["-f", "lavfi", "-i", scene.source],
    ...["-f", "lavfi", "-i", `aevalsrc='0.05*(${sound})':s=44100`],
    ...["-ss", `${skipSeconds}`, "-t", `${seconds}`],
    ...["-vf", filters.filter((filter) => filter !== undefined).join(",")],
    ...["-r", `${FRAME.fps}`, "-c:v", "libx264", "-preset", "veryfast", "-crf", "27", "-pix_fmt", "yuv420p"],
    ...["-c:a", "aac", "-b:a", "64k", "-ac", "2"],
    ...["-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart", file],
  ]);
}

/** One still of the chunk, as JPEG. */
export async function drawThumbnail(video: string, file: string): Promise<void> {
  await run("ffmpeg", [
    ...["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-ss", "1", "-i", video],
    ...["-frames:v", "1", "-vf", "scale=480:-2", "-q:v", "5", file],
  ]);
}
