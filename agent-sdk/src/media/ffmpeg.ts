/**
 * ffmpeg and ffprobe as processes that end with the call. Files come from agents: they are opened as media files and as
 * nothing else, so that none of them can be a playlist that makes ffmpeg read other files or addresses.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as z from "zod";
import { isReelsyncError, ReelsyncError } from "../errors.ts";

/** Everything agents render into. */
const FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,avi,flv,ogg";
export const MEDIA_ONLY = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS] as const;
/** For a list of such files that was written here. */
export const MEDIA_LIST = ["-protocol_whitelist", "file", "-format_whitelist", `${FORMATS},concat`] as const;

/** Of what a program says; its last words tell why it ended. */
const MAX_WORDS = 2_000;

export interface FfmpegOptions {
  cwd: string;
  signal: AbortSignal;
  /** Place in the result that has been written, in milliseconds. */
  onTime?: (ms: number) => void;
}

export async function runFfmpeg(
  args: readonly string[],
  { cwd, signal, onTime }: FfmpegOptions,
): Promise<void> {
  const quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-progress", "pipe:1", "-y"];
  await run("ffmpeg", [...quiet, ...args], { cwd, signal }, (line) => {
    const micros = /^out_time_us=(\d+)$/.exec(line)?.[1];
    if (micros !== undefined) onTime?.(Number(micros) / 1000);
  });
}

/** Throws FFMPEG_MISSING before anything is downloaded for nothing. */
export async function assertFfmpeg(signal: AbortSignal): Promise<void> {
  const options = { cwd: process.cwd(), signal };
  await Promise.all(
    ["ffmpeg", "ffprobe"].map((program) => run(program, ["-version"], options, () => undefined)),
  );
}

const streamSchema = z.object({
  codec_type: z.string(),
  codec_name: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  pix_fmt: z.string().optional(),
  sample_aspect_ratio: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  time_base: z.string().optional(),
  sample_rate: z.string().optional(),
  channels: z.number().optional(),
  extradata_hash: z.string().optional(),
});
const probeSchema = z.object({
  streams: z.array(streamSchema),
  format: z.object({ format_name: z.string(), duration: z.coerce.number().positive() }),
});

export type MediaStream = z.infer<typeof streamSchema>;

export interface MediaFacts {
  /** ffmpeg's names of the container, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  container: string;
  durationMs: number;
  video: MediaStream;
  audio: MediaStream | undefined;
}

/** The real length and the streams of a file; `name` is what people know it as. */
export async function probe(path: string, name: string, signal: AbortSignal): Promise<MediaFacts> {
  const show = [
    "-v",
    "error",
    "-print_format",
    "json",
    "-show_format",
    "-show_streams",
    "-show_data_hash",
    "SHA256",
  ];
  const lines: string[] = [];
  try {
    await run("ffprobe", [...show, ...MEDIA_ONLY, path], { cwd: process.cwd(), signal }, (line) =>
      lines.push(line),
    );
  } catch (error) {
    if (!isReelsyncError(error) || error.code !== "FFMPEG_FAILED") throw error;
    throw new ReelsyncError("MEDIA_INVALID", `${name} cannot be read as media`, { cause: error });
  }
  const parsed = probeSchema.safeParse(JSON.parse(lines.join("\n")));
  const video = parsed.data?.streams.find((stream) => stream.codec_type === "video");
  if (!parsed.success || video === undefined) {
    throw new ReelsyncError("MEDIA_INVALID", `${name} has no ${parsed.success ? "picture" : "length"}`);
  }
  const { streams, format } = parsed.data;
  return {
    container: format.format_name,
    durationMs: format.duration * 1000,
    video,
    audio: streams.find((stream) => stream.codec_type === "audio"),
  };
}

async function run(
  program: string,
  args: readonly string[],
  { cwd, signal }: { cwd: string; signal: AbortSignal },
  onLine: (line: string) => void,
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (words = (words + text).slice(-MAX_WORDS)));
  createInterface({ input: child.stdout }).on("line", onLine);
  try {
    // The folder is removed next, so the program has to be gone, not only told to go.
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    signal.throwIfAborted();
    if (code !== 0)
      throw new ReelsyncError("FFMPEG_FAILED", `${program} ended with ${code}: ${words.trim()}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new ReelsyncError("FFMPEG_MISSING", `There is no ${program} on the PATH`, { cause: error });
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
