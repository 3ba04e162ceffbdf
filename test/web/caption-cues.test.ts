import { describe, expect, test } from "vitest";
import { cuesAt, nextChange, parseCaptions, shiftToReel } from "../../web/src/player/caption-cues.ts";
import { buildPlan } from "../../web/src/player/playback-plan.ts";
import { readyScene } from "./support/timelines.ts";

const SRT = `1
00:00:00,500 --> 00:00:02,000
A plane is <i>empty</i>.

2
00:00:02,100 --> 00:00:09,000
Let us fill it
in six ways.
`;

describe("parsing", () => {
  test("reads SubRip with tags and line breaks", async () => {
    expect(await parseCaptions(SRT)).toEqual([
      { start: 0.5, end: 2, text: "A plane is empty." },
      { start: 2.1, end: 9, text: "Let us fill it\nin six ways." },
    ]);
  });

  test("reads WebVTT, whatever the file is called, with a byte order mark", async () => {
    const cues = await parseCaptions("\uFEFFWEBVTT\n\n00:01.000 --> 00:02.500\n<v Ada>5 &lt; 6 &amp; more\n");
    expect(cues).toEqual([{ start: 1, end: 2.5, text: "5 < 6 & more" }]);
  });

  test("shows markup as text, never as elements", async () => {
    const [cue] = await parseCaptions(
      "1\n00:00:00,000 --> 00:00:01,000\n&lt;img src=x onerror=alert(1)&gt;\n",
    );
    expect(cue?.text).toBe("<img src=x onerror=alert(1)>");
  });

  test("takes nothing from a file that is no captions", async () => {
    expect(await parseCaptions("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>")).toEqual([]);
  });
});

describe("captions on the reel", () => {
  const plan = buildPlan({ status: "live", scenes: [readyScene(0), readyScene(1)] }, new Map());

  test("are moved to where their scene begins and end with it", () => {
    const cues = new Map([
      [
        "s1",
        [
          { start: 0.5, end: 2, text: "a" },
          { start: 3, end: 9, text: "b" },
        ],
      ],
    ]);
    expect(shiftToReel(plan, cues)).toEqual([
      { start: 4.5, end: 6, text: "a" },
      { start: 7, end: 8, text: "b" },
    ]);
  });

  test("that begin after their scene's end are left out", () => {
    expect(shiftToReel(plan, new Map([["s0", [{ start: 4, end: 5, text: "late" }]]]))).toEqual([]);
  });

  test("are found by time, the end not included, and the next change is known", () => {
    const cues = [
      { start: 1, end: 2, text: "a" },
      { start: 2, end: 3, text: "b" },
    ];
    expect(cuesAt(cues, 1.5).map(({ text }) => text)).toEqual(["a"]);
    expect(cuesAt(cues, 2).map(({ text }) => text)).toEqual(["b"]);
    expect(nextChange(cues, 0)).toBe(1);
    expect(nextChange(cues, 2.5)).toBe(3);
    expect(nextChange(cues, 3)).toBeUndefined();
  });
});
