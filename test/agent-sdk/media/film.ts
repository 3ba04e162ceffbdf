/** Small videos of one colour each, and what a combined one shows at a moment. With real ffmpeg. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
export { hasFfmpeg } from "../../../demo/ffmpeg.ts";

const COLOURS = { red: [255, 0, 0], lime: [0, 255, 0], blue: [0, 0, 255], white: [255, 255, 255] } as const;
export type Colour = keyof typeof COLOURS;

export interface Film {
  colour: Colour;
  seconds: number;
  size?: string;
  fps?: number;
  sound?: boolean;
  /** `mp4` unless given; its ending decides. */
  container?: "mp4" | "webm" | "ts" | "mkv";
}

export async function makeFilm(folder: string, name: string, film: Film): Promise<string> {
  const { colour, seconds, size = "320x180", fps = 25, sound = true, container = "mp4" } = film;
  const path = join(folder, `${name}.${container}`);
  const codecs =
    container === "webm"
      ? ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]
      : ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];
  await run("ffmpeg", [
    ...["-hide_banner", "-loglevel", "error", "-nostdin", "-y"],
    ...["-f", "lavfi", "-i", `color=c=${colour}:s=${size}:r=${fps}:d=${seconds}`],
    ...(sound ? ["-f", "lavfi", "-i", `sine=f=440:r=48000:d=${seconds}`] : []),
    ...["-pix_fmt", "yuv420p", ...codecs, "-fflags", "+bitexact", path],
  ]);
  return path;
}

/** The first frame that is shown at this moment or later. */
export async function colourAt(path: string, seconds: number): Promise<Colour> {
  const { stdout } = await run(
    "ffmpeg",
    [
      ...["-hide_banner", "-loglevel", "error", "-nostdin", "-i", path, "-ss", seconds.toFixed(4)],
      ...["-frames:v", "1", "-vf", "crop=2:2,scale=1:1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
    ],
    { encoding: "buffer" },
  );
  const distance = (rgb: readonly number[]) =>
    rgb.reduce((sum, value, index) => sum + (value - (stdout[index] ?? 0)) ** 2, 0);
  const names = Object.keys(COLOURS) as Colour[];
  return names.reduce((best, name) => (distance(COLOURS[name]) < distance(COLOURS[best]) ? name : best));
}

/** Real lengths in seconds: of the whole, and of each stream. */
export async function lengthsOf(
  path: string,
): Promise<{ whole: number; video: number; audio: number | undefined; frames: number }> {
  const { stdout } = await run("ffprobe", [
    ...["-v", "error", "-count_frames", "-print_format", "json", "-show_format", "-show_streams", path],
  ]);
  const { streams, format } = JSON.parse(stdout) as {
    streams: { codec_type: string; duration?: string; start_time: string; nb_read_frames: string }[];
    format: { duration: string };
  };
  const stream = (type: string) => streams.find(({ codec_type }) => codec_type === type);
  const audio = stream("audio")?.duration;
  return {
    whole: Number(format.duration),
    video: Number(stream("video")?.duration ?? format.duration),
    audio: audio === undefined ? undefined : Number(audio),
    frames: Number(stream("video")?.nb_read_frames),
  };
}

/** Times at which frames are shown, in order. */
export async function frameTimes(path: string): Promise<number[]> {
  const { stdout } = await run("ffprobe", [
    ...["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path],
  ]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => Number(line.split(",")[0]))
    .sort((a, b) => a - b);
}
