/**
 * SubRip and WebVTT as far as merging needs them: cues with their times, everything else of a cue as it was written.
 * Lenient where renderers differ (byte order mark, line ends, missing numbers, hours left out), strict about times.
 */
import { ReelsyncError } from "../errors.ts";

export interface Subtitles {
  format: "srt" | "vtt";
  cues: Cue[];
  /** `STYLE` and `REGION` blocks of WebVTT, whole. */
  head: string[];
}

interface Cue {
  startMs: number;
  endMs: number;
  /** What follows the times: WebVTT's cue settings. */
  settings: string;
  text: string;
}

const TIME = String.raw`(?:(\d+):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})`;
const TIMING = new RegExp(String.raw`^\s*${TIME}\s*-->\s*${TIME}\s*(.*)$`);
/** Times inside a cue, by which WebVTT shows it word by word. */
const INNER_TIME = new RegExp(`<${TIME}>`, "g");

export function parseSubtitles(source: string): Subtitles {
  const text = source.replace(/^\uFEFF/, "").replaceAll(/\r\n?/g, "\n");
  const format = /^WEBVTT(?=\s|$)/.test(text) ? "vtt" : "srt";
  const subtitles: Subtitles = { format, cues: [], head: [] };
  for (const block of text.split(/\n(?:[ \t]*\n)+/)) {
    const lines = block
      .split("\n")
      .filter((line, index, all) => line.trim() !== "" || index < all.length - 1);
    const at = lines.findIndex((line) => line.includes("-->"));
    if (at >= 0) {
      const cue = parseCue(lines[at] ?? "", lines.slice(at + 1));
      if (cue !== undefined) subtitles.cues.push(cue);
    } else if (format === "vtt" && /^(STYLE|REGION)\s*$/.test(lines[0] ?? "")) {
      subtitles.head.push(lines.join("\n"));
    }
  }
  if (subtitles.cues.length === 0 && format === "srt" && text.trim() !== "") {
    throw new ReelsyncError("MEDIA_INVALID", "The subtitles are neither SubRip nor WebVTT");
  }
  return subtitles;
}

function parseCue(timing: string, lines: string[]): Cue | undefined {
  const match = TIMING.exec(timing);
  if (match === null) {
    throw new ReelsyncError("MEDIA_INVALID", `The subtitles have a cue at "${timing.trim().slice(0, 80)}"`);
  }
  const [startMs, endMs] = [msOf(match.slice(1, 5)), msOf(match.slice(5, 9))];
  if (endMs < startMs) {
    throw new ReelsyncError(
      "MEDIA_INVALID",
      `The subtitles have a cue that ends before it begins (${timing.trim()})`,
    );
  }
  const text = lines.join("\n");
  return text.trim() === "" ? undefined : { startMs, endMs, settings: match[9]?.trim() ?? "", text };
}

function msOf([hours = "0", minutes = "0", seconds = "0", fraction = "0"]: readonly (
  string | undefined
)[]): number {
  return (
    ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(fraction.padEnd(3, "0"))
  );
}

export interface Placed {
  subtitles: Subtitles;
  /** Where the scene begins in the whole, and how long it is. */
  startMs: number;
  durationMs: number;
}

/**
 * The subtitles of scenes as those of the whole. WebVTT as soon as one of them is: it takes in all that SubRip can say,
 * but not the other way round. A cue is over when its scene is.
 */
export function mergeSubtitles(parts: readonly Placed[]): Subtitles {
  const format = parts.some(({ subtitles }) => subtitles.format === "vtt") ? "vtt" : "srt";
  const cues = parts.flatMap(({ subtitles, startMs, durationMs }) =>
    subtitles.cues
      .filter((cue) => cue.startMs < durationMs)
      .map((cue) => ({
        startMs: startMs + cue.startMs,
        endMs: startMs + Math.min(cue.endMs, durationMs),
        settings: format === "vtt" && subtitles.format === "vtt" ? cue.settings : "",
        text: textFor(format, subtitles.format, cue.text, startMs),
      })),
  );
  const head = format === "vtt" ? [...new Set(parts.flatMap(({ subtitles }) => subtitles.head))] : [];
  return { format, cues, head };
}

function textFor(to: Subtitles["format"], from: Subtitles["format"], text: string, startMs: number): string {
  if (to === "srt") return text;
  // A bare "&" begins an escape in WebVTT and nothing in SubRip.
  if (from === "srt") return text.replaceAll(/&(?!(?:amp|lt|gt|nbsp|lrm|rlm|#\d+);)/g, "&amp;");
  return text.replaceAll(
    INNER_TIME,
    (_whole, ...time: string[]) => `<${clock(msOf(time.slice(0, 4)) + startMs, ".")}>`,
  );
}

export function formatSubtitles({ format, cues, head }: Subtitles): string {
  const blocks = cues.map(({ startMs, endMs, settings, text }, index) => {
    const mark = format === "vtt" ? "." : ",";
    const timing = `${clock(startMs, mark)} --> ${clock(endMs, mark)}${settings === "" ? "" : ` ${settings}`}`;
    return format === "vtt" ? `${timing}\n${text}` : `${index + 1}\n${timing}\n${text}`;
  });
  const all = format === "vtt" ? ["WEBVTT", ...head, ...blocks] : blocks;
  return `${all.join("\n\n")}\n`;
}

function clock(ms: number, mark: "," | "."): string {
  const whole = Math.round(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = Math.floor(whole / 1000);
  const fraction = String(whole % 1000).padStart(3, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${mark}${fraction}`;
}
