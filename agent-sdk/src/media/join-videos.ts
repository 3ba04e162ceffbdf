/**
 * Videos one after the other as one file. Streams that agree are copied, which loses nothing and costs no more than
 * reading; when one disagrees, all are brought to one picture size, rate and sound first, each by itself, so that
 * memory does not grow with their number.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MEDIA_LIST, MEDIA_ONLY, probe, runFfmpeg, type MediaFacts, type MediaStream } from "./ffmpeg.ts";

export interface VideoPart {
  path: string;
  /** What people know it as. */
  name: string;
}

export interface JoinedVideo {
  path: string;
  contentType: "video/mp4" | "video/webm";
  /** Real lengths, in the order of the parts. */
  durationsMs: number[];
  reencoded: boolean;
}

export interface JoinOptions {
  /** For intermediate files and the result. */
  folder: string;
  signal: AbortSignal;
  /** Milliseconds of media worked through, of so many. */
  onProgress: (doneMs: number, totalMs: number) => void;
}

type Container = "mp4" | "webm";

/** What it takes for two streams to be one: a decoder that is set up for the first goes on with the second. */
const MUST_AGREE = [
  "codec_name",
  "width",
  "height",
  "pix_fmt",
  "sample_aspect_ratio",
  "time_base",
  "sample_rate",
  "channels",
  "extradata_hash",
] as const satisfies readonly (keyof MediaStream)[];

/** What a container takes without being encoded again; no sound is fine with both. */
const CODECS_OF: Record<Container, ReadonlySet<string | undefined>> = {
  mp4: new Set(["h264", "hevc", "av1", "mpeg4", "aac", "mp3"]),
  webm: new Set(["vp8", "vp9", "av1", "opus", "vorbis"]),
};

/** The same input gives the same bytes, so that combining again changes nothing. */
const REPEATABLE = ["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"] as const;

export async function joinVideos(parts: readonly VideoPart[], options: JoinOptions): Promise<JoinedVideo> {
  const facts: MediaFacts[] = [];
  for (const { path, name } of parts) facts.push(await probe(path, name, options.signal));
  const durationsMs = facts.map(({ durationMs }) => durationMs);
  const container = copyContainer(facts);
  const joined =
    container === undefined
      ? await joinAnew(parts, facts, options)
      : await copy(parts, facts, container, options);
  return { ...joined, durationsMs };
}

/** Undefined when the streams cannot simply follow each other. */
function copyContainer(facts: readonly MediaFacts[]): Container | undefined {
  const [first, ...others] = facts;
  if (first === undefined) return undefined;
  const agree = others.every(
    ({ container, video, audio }) =>
      container === first.container &&
      MUST_AGREE.every((fact) => video[fact] === first.video[fact] && audio?.[fact] === first.audio?.[fact]),
  );
  if (!agree) return undefined;
  const takes = (container: Container) =>
    first.container.split(",").includes(container) &&
    [first.video, first.audio].every(
      (stream) => stream === undefined || CODECS_OF[container].has(stream.codec_name),
    );
  if (takes("webm")) return "webm";
  return takes("mp4") ? "mp4" : undefined;
}

async function copy(
  parts: readonly VideoPart[],
  facts: readonly MediaFacts[],
  container: Container,
  options: JoinOptions,
): Promise<Omit<JoinedVideo, "durationsMs">> {
  const totalMs = sum(facts);
  const path = await concat(
    parts.map((part, index) => ({ ...part, durationMs: facts[index]?.durationMs ?? 0 })),
    ["-map", "0:v:0", "-map", "0:a:0?", "-c", "copy"],
    container,
    options,
    (ms) => options.onProgress(Math.min(ms, totalMs), totalMs),
  );
  return { path, contentType: `video/${container}`, reencoded: false };
}

/** Sound stays uncompressed between the two steps: compressed, each joint would have a click in it. */
async function joinAnew(
  parts: readonly VideoPart[],
  facts: readonly MediaFacts[],
  options: JoinOptions,
): Promise<Omit<JoinedVideo, "durationsMs">> {
  const { folder, signal, onProgress } = options;
  const totalMs = 2 * sum(facts);
  const look = commonLook(facts);
  const evened: (VideoPart & { durationMs: number })[] = [];
  let doneMs = 0;
  for (const [index, part] of parts.entries()) {
    const { durationMs = 0, audio } = facts[index] ?? {};
    const path = join(folder, `even-${index}.mov`);
    const before = doneMs;
    await runFfmpeg([...MEDIA_ONLY, "-i", part.path, ...soundOf(audio), ...evenOut(look, durationMs), path], {
      cwd: folder,
      signal,
      onTime: (ms) => onProgress(before + Math.min(ms, durationMs), totalMs),
    });
    evened.push({ path, name: part.name, durationMs });
    doneMs += durationMs;
  }
  const path = await concat(
    evened,
    [
      "-map",
      "0:v:0",
      "-map",
      "0:a:0",
      "-c:v",
      "copy",
      "-c:a",
      "aac",
      "-b:a",
      "192k",
      "-flags:a",
      "+bitexact",
    ],
    "mp4",
    options,
    (ms) => onProgress(doneMs + Math.min(ms, totalMs / 2), totalMs),
  );
  return { path, contentType: "video/mp4", reencoded: true };
}

interface Look {
  width: number;
  height: number;
  framesPerSecond: string;
}

/** The largest picture and the highest rate there are: nobody's render loses detail. */
function commonLook(facts: readonly MediaFacts[]): Look {
  const largest = (side: "width" | "height") =>
    even(Math.max(2, ...facts.map(({ video }) => video[side] ?? 0)));
  const rates = facts.map(({ video }) => video.avg_frame_rate ?? "25/1").filter((rate) => numberOf(rate) > 0);
  rates.sort((a, b) => numberOf(b) - numberOf(a));
  return { width: largest("width"), height: largest("height"), framesPerSecond: rates[0] ?? "25/1" };
}

/** `30000/1001` */
function numberOf(rate: string): number {
  const [over = 0, under = 1] = rate.split("/").map(Number);
  return under === 0 ? 0 : over / under;
}

function even(side: number): number {
  return side + (side % 2);
}

/** A part without sound is silent. */
function soundOf(audio: MediaStream | undefined): string[] {
  if (audio !== undefined) return ["-map", "0:v:0", "-map", "0:a:0"];
  return ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-map", "0:v:0", "-map", "1:a:0"];
}

function evenOut({ width, height, framesPerSecond }: Look, durationMs: number): string[] {
  const size = `${width}:${height}`;
  const picture = `scale=${size}:force_original_aspect_ratio=decrease,pad=${size}:-1:-1,setsar=1,fps=${framesPerSecond},format=yuv420p`;
  return [
    ...["-t", seconds(durationMs)],
    ...[
      "-vf",
      picture,
      "-c:v",
      "libx264",
      "-preset",
      "veryfast",
      "-crf",
      "18",
      "-video_track_timescale",
      "90000",
    ],
    ...["-af", "aresample=48000:async=1:first_pts=0,apad", "-c:a", "pcm_s16le", "-ac", "2", ...REPEATABLE],
  ];
}

async function concat(
  parts: readonly (VideoPart & { durationMs: number })[],
  codecs: readonly string[],
  container: Container,
  { folder, signal }: JoinOptions,
  onTime: (ms: number) => void,
): Promise<string> {
  const list = parts.map(({ path, durationMs }) => `file ${quoted(path)}\nduration ${seconds(durationMs)}\n`);
  await writeFile(join(folder, "parts.ffconcat"), `ffconcat version 1.0\n${list.join("")}`);
  const path = join(folder, `combined.${container}`);
  const input = [...MEDIA_LIST, "-f", "concat", "-safe", "0", "-i", "parts.ffconcat"];
  // Without -copyts the whole is moved by the length of the sound's lead-in, and starts with a gap.
  const output = [
    "-copyts",
    ...REPEATABLE,
    ...(container === "mp4" ? ["-movflags", "+faststart"] : []),
    path,
  ];
  await runFfmpeg([...input, ...codecs, ...output], { cwd: folder, signal, onTime });
  return path;
}

/** The way ffmpeg's own scripts quote. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(6);
}

function sum(facts: readonly MediaFacts[]): number {
  return facts.reduce((total, { durationMs }) => total + durationMs, 0);
}
