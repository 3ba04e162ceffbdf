/** Short MP4 clips for player tests, each with a marker colour in its top left corner, made by ffmpeg in a temp folder. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

export const MARKERS = {
  red: [220, 30, 30],
  green: [30, 180, 60],
  blue: [40, 60, 220],
  yellow: [230, 210, 40],
  magenta: [200, 40, 200],
} as const;
export type Marker = keyof typeof MARKERS;

export interface Clip {
  name: string;
  marker: Marker;
  seconds: number;
}

export function hasFfmpeg(): boolean {
  try {
    execFileSync("ffmpeg", ["-version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export async function renderClips(clips: Clip[]): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), "reelsync-clips-"));
  for (const clip of clips) await renderClip(folder, clip);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

async function renderClip(folder: string, { name, marker, seconds }: Clip): Promise<void> {
  const colour = MARKERS[marker].map((value) => value.toString(16).padStart(2, "0")).join("");
  await promisify(execFile)("ffmpeg", [
    ...["-hide_banner", "-loglevel", "error", "-y"],
    ...["-f", "lavfi", "-i", `testsrc2=size=320x180:rate=30:duration=${seconds}`],
    ...["-f", "lavfi", "-i", `sine=frequency=${300 + seconds * 40}:duration=${seconds}`],
    ...["-vf", `drawbox=x=0:y=0:w=64:h=64:color=0x${colour}:t=fill,format=yuv420p`],
    ...["-c:v", "libx264", "-preset", "veryfast", "-crf", "30", "-g", "30"],
    ...["-c:a", "aac", "-b:a", "48k", "-shortest", "-movflags", "+faststart"],
    path.join(folder, `${name}.mp4`),
  ]);
}
