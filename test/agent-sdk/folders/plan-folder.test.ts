import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  planFolder,
  type FolderPlan,
  type KnownSession,
} from "../../../agent-sdk/src/folders/plan-folder.ts";

const named = (names: readonly string[]) => names.map((relative) => ({ relative, size: 1 }));
const rows = ({ files }: FolderPlan) =>
  files.map(
    ({ relative, scene, assetType, chunkIndex }) => [relative, scene, assetType, chunkIndex] as const,
  );
const planned = (...names: string[]) => rows(planFolder(named(names)));

describe("scenes", () => {
  test("sub-folders are scenes, whatever lies deeper in them; names give order and title", () => {
    const plan = planFolder(named(["02-fourier_series/media/a.mp4", "scene_01/b.mp4", "extra/c.mp4"]));
    expect(rows(plan)).toEqual([
      ["02-fourier_series/media/a.mp4", "02-fourier_series", "video_chunk", 0],
      ["extra/c.mp4", "extra", "video_chunk", 0],
      ["scene_01/b.mp4", "scene_01", "video_chunk", 0],
    ]);
    expect(plan.newScenes).toEqual([
      { sceneKey: "02-fourier_series", index: 2, title: "Fourier series" },
      { sceneKey: "extra", index: 3, title: "Extra" },
      { sceneKey: "scene_01", index: 1, title: "Scene 1" },
    ]);
  });

  test("videos in the folder itself are scenes of their names, with the files named like them", () => {
    expect(planned("Intro.mp4", "Intro.srt", "Intro.py", "Outro-part-0.mp4", "Outro-part-1.mp4")).toEqual([
      ["Intro.mp4", "Intro", "video_chunk", 0],
      ["Intro.py", "Intro", "source_code", 0],
      ["Intro.srt", "Intro", "subtitle", 0],
      ["Outro-part-0.mp4", "Outro", "video_chunk", 0],
      ["Outro-part-1.mp4", "Outro", "video_chunk", 1],
    ]);
  });

  test("files of the whole reel, and what no scene is named like, are the session's own", () => {
    expect(
      planned(
        "combined.mp4",
        "final_captions.srt",
        "poster.jpg",
        "manifest.json",
        "transcript.json",
        "notes.txt",
      ),
    ).toEqual([
      ["combined.mp4", undefined, "combined_video", 0],
      ["final_captions.srt", undefined, "combined_subtitle", 0],
      ["manifest.json", undefined, "manifest", 0],
      ["notes.txt", undefined, "other", 0],
      ["poster.jpg", undefined, "thumbnail", 0],
      ["transcript.json", undefined, "transcript", 0],
    ]);
  });

  test("folders that sort by kind say nothing of scenes", () => {
    expect(planned("videos/01-intro.mp4", "subtitles/01-intro.srt", "code/01-intro.py")).toEqual([
      ["code/01-intro.py", "01-intro", "source_code", 0],
      ["subtitles/01-intro.srt", "01-intro", "subtitle", 0],
      ["videos/01-intro.mp4", "01-intro", "video_chunk", 0],
    ]);
  });
});

describe("slots", () => {
  test("a chunk's number is its place; without one it gets the first free one", () => {
    expect(planned("s/chunk-000.mp4", "s/chunk-002.mp4", "s/late.mp4", "s/part_11.mov")).toEqual([
      ["s/chunk-000.mp4", "s", "video_chunk", 0],
      ["s/chunk-002.mp4", "s", "video_chunk", 2],
      ["s/late.mp4", "s", "video_chunk", 1],
      ["s/part_11.mov", "s", "video_chunk", 11],
    ]);
  });

  test("of what a scene has once the most fitting one is taken, the rest is kept beside it", () => {
    expect(
      planned("s/a.png", "s/s.en.srt", "s/s.srt", "s/thumbnail.jpg", "s/utils.py", "s/voice.mp3"),
    ).toEqual([
      ["s/a.png", "s", "other", 0],
      ["s/s.en.srt", "s", "other", 1],
      ["s/s.srt", "s", "subtitle", 0],
      ["s/thumbnail.jpg", "s", "thumbnail", 0],
      ["s/utils.py", "s", "source_code", 0],
      ["s/voice.mp3", "s", "processed", 0],
    ]);
  });

  test("a numbered .ts is a segment, any other is TypeScript; what a browser would run is plain text", () => {
    const { files } = planFolder(named(["s/segment7.ts", "s/scene.ts", "s/index.html", "s/data.bin"]));
    expect(files.map(({ relative, assetType, contentType }) => [relative, assetType, contentType])).toEqual([
      ["s/data.bin", "other", "application/octet-stream"],
      ["s/index.html", "other", "text/plain"],
      ["s/scene.ts", "source_code", undefined],
      ["s/segment7.ts", "video_chunk", "video/mp2t"],
    ]);
  });

  test("what finds no place any more is named", () => {
    const many = Array.from({ length: 102 }, (_, index) => `s/notes-${index}.txt`);
    const plan = planFolder(named([...many, "s/chunk-100.mp4"]));
    expect(plan.files).toHaveLength(100);
    expect(plan.skipped).toEqual(
      ["s/chunk-100.mp4", "s/notes-100.txt", "s/notes-101.txt"].map((relative) => ({
        relative,
        reason: "no place left",
      })),
    );
  });
});

/** What a session holds once the plan is carried out. */
function carriedOut({ files, newScenes }: FolderPlan, known: KnownSession): KnownSession {
  const replaced = new Set(
    files.map(({ scene, assetType, chunkIndex }) => `${scene}/${assetType}/${chunkIndex}`),
  );
  const kept = known.assets.filter(
    ({ scene, assetType, chunkIndex }) => !replaced.has(`${scene}/${assetType}/${chunkIndex}`),
  );
  return {
    scenes: [...known.scenes, ...newScenes],
    assets: [
      ...kept,
      ...files.map(({ scene, assetType, chunkIndex, relative }) => ({
        assetType,
        chunkIndex,
        relative,
        ...(scene !== undefined && { scene }),
      })),
    ],
  };
}

const name = fc
  .tuple(
    fc.constantFrom("", "s/", "02-rings/", "videos/"),
    fc.constantFrom("a", "s", "thumb", "combined", "chunk-1", "part_2", "7", "transcript"),
    fc.constantFrom(".mp4", ".srt", ".png", ".py", ".txt", ".ts", ".json", ".mp3"),
  )
  .map((parts) => parts.join(""));
const folder = fc.uniqueArray(name, { maxLength: 25 });

describe("for any folder", () => {
  test("[G3] every file has one slot, every slot one file, and planning again moves nothing", () => {
    fc.assert(
      fc.property(folder, (names) => {
        const plan = planFolder(named(names));
        expect(plan.files.map(({ relative }) => relative).sort()).toEqual([...names].sort());
        const slots = rows(plan).map(([, ...slot]) => slot.join("/"));
        expect(new Set(slots).size).toBe(slots.length);
        const again = planFolder(named(names), carriedOut(plan, { scenes: [], assets: [] }));
        expect(rows(again)).toEqual(rows(plan));
        expect(again.newScenes).toEqual([]);
      }),
    );
  });

  test("[G3] a file that comes later never takes the slot of what is only here to stay", () => {
    fc.assert(
      fc.property(folder, folder, (first, more) => {
        const before = planFolder(named(first));
        const known = carriedOut(before, { scenes: [], assets: [] });
        const added = more.filter((one) => !first.includes(one) && one.endsWith(".txt"));
        const after = planFolder(named([...first, ...added]), known);
        const slotOf = new Map(rows(after).map(([relative, ...slot]) => [relative, slot]));
        for (const [relative, ...slot] of rows(before)) expect(slotOf.get(relative)).toEqual(slot);
      }),
    );
  });
});
