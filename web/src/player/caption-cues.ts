/** Captions of a scene, parsed, and put on the reel's time. Pure but for the parser. */
import { parseText, type CaptionsFileFormat } from "media-captions";
import type { PlaybackPlan } from "./playback-plan.ts";

/** Times in seconds from the scene's start; on a reel, from the reel's. */
export interface CaptionCue {
  start: number;
  end: number;
  text: string;
}

export async function parseCaptions(text: string): Promise<CaptionCue[]> {
  const { cues } = await parseText(text.replace(/^\uFEFF/, ""), { type: formatOf(text) });
  return cues
    .map((cue) => ({ start: cue.startTime, end: cue.endTime, text: plainText(cue.text) }))
    .filter((cue) => cue.text !== "" && cue.end > cue.start);
}

/** By content, not by name: agents call WebVTT `.srt` and the other way round. */
function formatOf(text: string): CaptionsFileFormat {
  return /^\uFEFF?WEBVTT/.test(text) ? "vtt" : "srt";
}

/** Voice, class and style tags are not shown; line breaks are. */
function plainText(text: string): string {
  return text
    .replace(/<br\s*\/?>/gi, "\n")
    .replace(/<[^>]*>/g, "")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&nbsp;/g, " ")
    .replace(/&amp;/g, "&")
    .trim();
}

/** Every scene's cues on the reel, in order. A cue never outlives its scene: the next one speaks for itself. */
export function shiftToReel(
  plan: PlaybackPlan,
  cuesByScene: ReadonlyMap<string, readonly CaptionCue[]>,
): CaptionCue[] {
  return plan.spans.flatMap((span) => {
    const cues = cuesByScene.get(span.sceneId) ?? [];
    return cues
      .filter((cue) => cue.start < span.duration)
      .map((cue) => ({
        start: span.start + cue.start,
        end: span.start + Math.min(cue.end, span.duration),
        text: cue.text,
      }));
  });
}

export function cuesAt(cues: readonly CaptionCue[], time: number): CaptionCue[] {
  return cues.filter((cue) => cue.start <= time && time < cue.end);
}

/** The next moment at which another set of cues is due. */
export function nextChange(cues: readonly CaptionCue[], time: number): number | undefined {
  let next: number | undefined;
  for (const cue of cues) {
    for (const edge of [cue.start, cue.end]) {
      if (edge > time && (next === undefined || edge < next)) next = edge;
    }
  }
  return next;
}
