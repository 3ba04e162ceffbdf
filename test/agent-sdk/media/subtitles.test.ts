import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatSubtitles,
  mergeSubtitles,
  parseSubtitles,
  type Subtitles,
} from "../../../agent-sdk/src/media/subtitles.ts";

const SRT =
  "1\n00:00:01,000 --> 00:00:02,500\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nto <i>you</i>\nall\n";
const merged = (...parts: [text: string, startMs: number, durationMs: number][]) =>
  formatSubtitles(
    mergeSubtitles(
      parts.map(([text, startMs, durationMs]) => ({ subtitles: parseSubtitles(text), startMs, durationMs })),
    ),
  );

describe("merging subtitles", () => {
  test("SubRip stays SubRip: cues are shifted by where their scene begins, and numbered anew", () => {
    expect(merged([SRT, 0, 5_000], [SRT, 5_000, 5_000])).toBe(
      [
        "1\n00:00:01,000 --> 00:00:02,500\nHello",
        "2\n00:00:03,000 --> 00:00:04,000\nto <i>you</i>\nall",
        "3\n00:00:06,000 --> 00:00:07,500\nHello",
        "4\n00:00:08,000 --> 00:00:09,000\nto <i>you</i>\nall\n",
      ].join("\n\n"),
    );
  });

  test("WebVTT keeps its settings and styles, each style once, and shifts the times inside cues", () => {
    const vtt =
      "WEBVTT - title\nX-TIMESTAMP-MAP=LOCAL:0\n\nSTYLE\n::cue { color: lime }\n\nNOTE not for viewers\n\nintro\n00:01.000 --> 00:02.000 line:0 align:start\n<v Ada>one <00:01.500>two";
    expect(merged([vtt, 0, 3_000], [vtt, 3_600_000, 3_000])).toBe(
      [
        "WEBVTT",
        "STYLE\n::cue { color: lime }",
        "00:00:01.000 --> 00:00:02.000 line:0 align:start\n<v Ada>one <00:00:01.500>two",
        "01:00:01.000 --> 01:00:02.000 line:0 align:start\n<v Ada>one <01:00:01.500>two\n",
      ].join("\n\n"),
    );
  });

  test("a mix becomes WebVTT, which takes in all that SubRip can say", () => {
    const srt = "1\n00:00:00,000 --> 00:00:01,000\nsalt & pepper &amp; more\n";
    expect(
      merged([srt, 0, 1_000], ["WEBVTT\n\n00:00.000 --> 00:01.000\nfish &amp; chips", 1_000, 1_000]),
    ).toBe(
      [
        "WEBVTT",
        "00:00:00.000 --> 00:00:01.000\nsalt &amp; pepper &amp; more",
        "00:00:01.000 --> 00:00:02.000\nfish &amp; chips\n",
      ].join("\n\n"),
    );
  });

  test("a cue ends with its scene, and one behind it is left out", () => {
    const late = "1\n00:00:00,500 --> 00:00:09,000\nlong\n\n2\n00:00:02,000 --> 00:00:03,000\nlate\n";
    expect(merged([late, 1_000, 2_000])).toBe("1\n00:00:01,500 --> 00:00:03,000\nlong\n");
  });

  test("what renderers write differently is read the same", () => {
    const usual = parseSubtitles(SRT);
    for (const variant of [
      `\uFEFF${SRT}`,
      SRT.replaceAll("\n", "\r\n"),
      SRT.replaceAll("\n", "\r"),
      SRT.replaceAll(/^\d+\n/gm, ""),
      SRT.replaceAll(",", "."),
      SRT.replaceAll("\n\n", "\n \t\n\n"),
      SRT.replaceAll("00:00:0", "00:0"),
      SRT.trimEnd(),
    ]) {
      expect(parseSubtitles(variant)).toEqual(usual);
    }
    expect(parseSubtitles("").cues).toEqual([]);
    expect(parseSubtitles("WEBVTT").cues).toEqual([]);
  });

  test.each([
    ["no subtitles at all", "<html></html>"],
    ["a time that is none", "1\n00:00:61,000 --> 00:00:02,000\nx"],
    ["an end before its start", "1\n00:00:02,000 --> 00:00:01,000\nx"],
  ])("[G7] %s is refused with a code", (_what, text) => {
    expect(() => parseSubtitles(text)).toThrow(expect.objectContaining({ code: "MEDIA_INVALID" }) as Error);
  });

  test("what is written is read back as it was", () => {
    const line = fc
      .stringMatching(/^[A-Za-z0-9 <>/.!&;-]{1,20}$/)
      .filter((text) => text.trim() !== "" && !text.includes("-->"));
    const cue = fc
      .record({
        startMs: fc.nat(359_999_999),
        length: fc.nat(100_000),
        lines: fc.array(line, { minLength: 1, maxLength: 3 }),
      })
      .map(({ startMs, length, lines }) => ({
        startMs,
        endMs: startMs + length,
        settings: "",
        text: lines.join("\n"),
      }));
    const subtitles: fc.Arbitrary<Subtitles> = fc.record({
      format: fc.constantFrom("srt", "vtt"),
      cues: fc.array(cue, { minLength: 1, maxLength: 8 }),
      head: fc.constant([]),
    });
    fc.assert(
      fc.property(subtitles, (one) => {
        expect(parseSubtitles(formatSubtitles(one))).toEqual(one);
      }),
    );
  });
});
