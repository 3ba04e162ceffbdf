import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mirrorKey, parseLayout } from "../../contract/key-layouts.ts";
import { MAX_KEY_BYTES } from "../../contract/limits.ts";
import { formatObjectKey } from "../../contract/object-key.ts";

describe("mirror keys", () => {
  test("put a kebab-case topic under the prefix and keep the structure below it", () => {
    const path = "media/Scene 1/Part_01.MP4";
    expect(mirrorKey({ prefix: "reels/2026/", topic: "Fourier Series_v2", path })).toBe(
      "reels/2026/fourier-series-v2/media/Scene 1/Part_01.MP4",
    );
    expect(mirrorKey({ prefix: "", topic: "", path })).toBe(path);
    expect(mirrorKey({ prefix: "reels", topic: "Ряд Фурье", path: "" })).toBe("reels/ряд-фурье/");
  });

  const segment = fc.stringMatching(/^[A-Za-z0-9 _ä漢.-]{1,12}$/);
  test("[G6] never climb, never reach where records' objects are, and never are longer than S3 allows", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(segment, fc.constantFrom("..", ".", "t", "acme", "perm", "quarantine")), {
          maxLength: 6,
        }),
        segment,
        fc.array(segment, { minLength: 1, maxLength: 6 }),
        (prefix, topic, path) => {
          let key: string;
          try {
            key = mirrorKey({ prefix: prefix.join("/"), topic, path: path.join("/") });
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            return;
          }
          expect(key.split("/").some((part) => part === "" || part === "." || part === "..")).toBe(false);
          expect(key).not.toMatch(/(^|\/)t\/[^/]+\/(perm|temp)\/|(^|\/)quarantine\//);
          expect(Buffer.byteLength(key)).toBeLessThanOrEqual(MAX_KEY_BYTES);
          expect(key.endsWith(path.join("/"))).toBe(true);
        },
      ),
    );
  });

  test.each([
    ["the place of a record", "t/acme/perm", "intro.mp4"],
    ["the place of a record under a base prefix", "base/t/acme/temp", "intro.mp4"],
    ["quarantine", "base/quarantine", "intro.mp4"],
    ["a path that climbs", "reels", "../other/intro.mp4"],
    ["a newline", "reels", "in\ntro.mp4"],
    ["a key of 1,025 bytes", "reels", "x".repeat(1025)],
  ])("[G7] refuse %s", (_what, prefix, path) => {
    expect(() => mirrorKey({ prefix, topic: "", path })).toThrow(RangeError);
  });

  test("[G6] refuse every key a record can have", () => {
    const key = formatObjectKey({
      base: "b",
      tenant: "acme",
      lifetime: "perm",
      project: "p",
      session: "s",
      assetType: "manifest",
      sha256: "0".repeat(64),
      fileName: "manifest.json",
    });
    expect(() => mirrorKey({ prefix: "", topic: "", path: key })).toThrow("where the objects of records are");
  });
});

describe("older layouts", () => {
  test.each([
    ["topic", "fourier-series/media/intro.mp4", { topic: "fourier-series", path: "media/intro.mp4" }],
    ["recordings", "users/user_000123/recordings/2026/take 1.mp4", { user: 123, path: "2026/take 1.mp4" }],
    [
      "creatives",
      "videos/acme/20260102T030405Z-summer-sale-red-3.mp4",
      { tenant: "acme", timestamp: "20260102T030405Z", creative: "summer-sale-red", iteration: 3 },
    ],
    [
      "creatives",
      "videos/acme/1767323045-summer-12.mp4",
      { tenant: "acme", timestamp: "1767323045", creative: "summer", iteration: 12 },
    ],
    ["stages", "transcripts/abc/said.json", { stage: "transcripts", path: "abc/said.json" }],
  ] as const)("%s: reads %s", (layout, key, parts) => {
    expect(parseLayout(layout, key)).toEqual({ layout, ...parts });
  });

  test.each([
    ["topic", "no-folder.mp4"],
    ["topic", "/leading/slash.mp4"],
    ["recordings", "users/anna/recordings/take.mp4"],
    ["recordings", "users/user_000123/recordings/"],
    ["creatives", "videos/acme/no-timestamp.mp4"],
    ["creatives", "videos/acme/1767323045-noiteration.mp4"],
    ["creatives", "videos/acme/deeper/1767323045-summer-1.mp4"],
    ["stages", "thumbnails/abc.jpg"],
    ["stages", "videos/"],
  ] as const)("%s: %s is none of its keys", (layout, key) => {
    expect(parseLayout(layout, key)).toBeNull();
  });
});

test("the stages' folders may be called otherwise, and lie in one another", () => {
  const folders = { videos: "clips/", transcripts: "said/", temp: "clips/scratch/", processed: "done/" };
  const read = (rest: string) => parseLayout("stages", rest, folders);
  expect(read("clips/abc/a.mp4")).toEqual({ layout: "stages", stage: "videos", path: "abc/a.mp4" });
  expect(read("clips/scratch/a.mp4")).toEqual({ layout: "stages", stage: "temp", path: "a.mp4" });
  expect(read("videos/a.mp4")).toBeNull();
  expect(read("clips/")).toBeNull();
});
