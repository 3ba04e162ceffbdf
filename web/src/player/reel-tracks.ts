/**
 * The reel's text tracks as ready-made controls expect them: one captions track whose mode is the on/off switch, one
 * chapters track with a cue a scene. A `TextTrackList` can only come from a media element, so one that never loads
 * anything lends its own; nothing of it is rendered.
 */
export interface Chapter {
  start: number;
  end: number;
  text: string;
}

export interface ReelTracks {
  readonly list: TextTrackList;
  hasCaptions: boolean;
  captionsShown: boolean;
  chapters: Chapter[];
}

export function reelTracks(onChange: () => void): ReelTracks {
  const lender = document.createElement("video");
  const chapterTrack = lender.addTextTrack("chapters", "Scenes", "");
  chapterTrack.mode = "hidden";
  let captionTrack: TextTrack | undefined;
  let wanted = false;
  let drawn = "";
  lender.textTracks.addEventListener("change", () => {
    if (captionTrack) wanted = captionTrack.mode === "showing";
    onChange();
  });
  return {
    list: lender.textTracks,
    get hasCaptions() {
      return captionTrack !== undefined;
    },
    set hasCaptions(has: boolean) {
      // A track cannot be taken away again, and a reel that had captions keeps its button.
      if (!has || captionTrack) return;
      captionTrack = lender.addTextTrack("captions", "Captions", "");
      captionTrack.mode = wanted ? "showing" : "disabled";
    },
    get captionsShown() {
      return wanted && captionTrack !== undefined;
    },
    set captionsShown(shown: boolean) {
      wanted = shown;
      if (captionTrack) captionTrack.mode = shown ? "showing" : "disabled";
    },
    set chapters(chapters: Chapter[]) {
      const next = JSON.stringify(chapters);
      if (next === drawn) return;
      drawn = next;
      for (const cue of [...(chapterTrack.cues ?? [])]) chapterTrack.removeCue(cue);
      for (const { start, end, text } of chapters) chapterTrack.addCue(new VTTCue(start, end, text));
      lender.textTracks.dispatchEvent(new Event("change"));
    },
    get chapters() {
      return JSON.parse(drawn || "[]") as Chapter[];
    },
  };
}
