import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TimelineScene } from "../../contract/playback.ts";
import {
  buildPlan,
  EMPTY_PLAN,
  endPlace,
  movePlace,
  placeAfter,
  placeAt,
  startPlace,
  timeOf,
  type Reel,
} from "../../web/src/player/playback-plan.ts";
import { chunk, readyScene, scene } from "./support/timelines.ts";

const nothingMeasured = new Map<string, number>();
const plan = (scenes: TimelineScene[], status: Reel["status"] = "live", measured = nothingMeasured) =>
  buildPlan({ status, scenes }, measured);

describe("the order of playing", () => {
  test("follows the scenes' index, whatever order they arrive in", () => {
    const { slots } = plan([readyScene(2), readyScene(0), readyScene(1)]);
    expect(slots.map(({ key }) => key)).toEqual(["s0/0", "s1/0", "s2/0"]);
    expect(slots.map(({ start }) => start)).toEqual([0, 4, 8]);
  });

  test("plays the chunks of a scene by their index, as one span", () => {
    const life = scene(0, { chunks: [chunk("b", { chunkIndex: 1, durationMs: 3000 }), chunk("a")] });
    const { slots, spans } = plan([life]);
    expect(slots.map(({ key }) => key)).toEqual(["s0/0", "s0/1"]);
    expect(spans).toEqual([{ sceneId: "s0", start: 0, duration: 7 }]);
  });

  test("keeps a gap for a scene that is still to come, at its planned length", () => {
    const { slots, duration } = plan([readyScene(0), scene(1, { plannedDurationMs: 6000 }), readyScene(2)]);
    expect(slots[1]).toMatchObject({ kind: "gap", start: 4, duration: 6 });
    expect(duration).toBe(14);
  });

  test("draws a scene nobody announced a length of as long as the others are on average", () => {
    const { slots } = plan([readyScene(0, "a", { durationMs: 2000 }), readyScene(1), scene(2)]);
    expect(slots[2]).toMatchObject({ kind: "gap", duration: 3 });
  });

  test("skips a failed scene, and plays what it had before it failed", () => {
    const failed = scene(1, { status: "failed" });
    const failedAgain = { ...readyScene(2), status: "failed" as const };
    const { slots, spans } = plan([readyScene(0), failed, failedAgain]);
    expect(slots.map(({ key }) => key)).toEqual(["s0/0", "s2/0"]);
    expect(spans[1]).toEqual({ sceneId: "s1", start: 4, duration: 0 });
  });

  test("leaves no gap once the session has ended", () => {
    const { slots, duration, open } = plan([readyScene(0), scene(1), readyScene(2)], "ended");
    expect(slots.map(({ key }) => key)).toEqual(["s0/0", "s2/0"]);
    expect({ duration, open }).toEqual({ duration: 8, open: false });
  });

  test("believes the media about its length, not the record", () => {
    const { duration } = plan([readyScene(0), readyScene(1)], "live", new Map([["a0", 2.5]]));
    expect(duration).toBe(6.5);
  });
});

describe("a viewer's place", () => {
  test("is found from a time on the reel and back", () => {
    const reel = plan([readyScene(0), readyScene(1)]);
    expect(placeAt(reel, 5.5)).toEqual({ slotKey: "s1/0", offset: 1.5 });
    expect(timeOf(reel, { slotKey: "s1/0", offset: 1.5 })).toBe(5.5);
  });

  test("inside a gap is the gap's beginning: there is nothing to be in the middle of", () => {
    const reel = plan([readyScene(0), scene(1, { plannedDurationMs: 10_000 })]);
    expect(placeAt(reel, 9)).toEqual({ slotKey: "s1/gap", offset: 0 });
  });

  test("before the start and behind the end is held within the reel", () => {
    const reel = plan([readyScene(0)]);
    expect(placeAt(reel, -3)).toEqual({ slotKey: "s0/0", offset: 0 });
    expect(placeAt(reel, 99)).toEqual(endPlace(reel));
    expect(timeOf(reel, endPlace(reel))).toBe(4);
  });

  test("stays in its scene when one before it arrives and moves every time behind it", () => {
    const before = plan([readyScene(0), scene(1, { plannedDurationMs: 1000 }), readyScene(2)]);
    const after = plan([readyScene(0), readyScene(1), readyScene(2)]);
    const place = { slotKey: "s2/0", offset: 1 };
    expect(movePlace(before, after, place)).toEqual(place);
    expect([timeOf(before, place), timeOf(after, place)]).toEqual([6, 9]);
  });

  test("moves from a gap to the scene that filled it", () => {
    const before = plan([readyScene(0), scene(1)]);
    const after = plan([readyScene(0), readyScene(1)]);
    expect(movePlace(before, after, { slotKey: "s1/gap", offset: 0 })).toEqual({
      slotKey: "s1/0",
      offset: 0,
    });
  });

  test("moves past a scene that failed while it was waited for", () => {
    const before = plan([readyScene(0), scene(1), scene(2)]);
    const after = plan([readyScene(0), scene(1, { status: "failed" }), scene(2)]);
    expect(movePlace(before, after, { slotKey: "s1/gap", offset: 0 })).toEqual({
      slotKey: "s2/gap",
      offset: 0,
    });
  });

  test("at the end of what exists goes on with the scene that is appended", () => {
    const before = plan([readyScene(0)]);
    const after = plan([readyScene(0), readyScene(1)]);
    expect(movePlace(before, after, placeAfter(before, "s0/0"))).toEqual({ slotKey: "s1/0", offset: 0 });
  });

  test("in a session without scenes becomes the beginning of the first one", () => {
    const after = plan([readyScene(0)]);
    expect(movePlace(EMPTY_PLAN, after, startPlace(EMPTY_PLAN))).toEqual({ slotKey: "s0/0", offset: 0 });
  });

  test("always exists in the new plan, whatever happened to the scenes", () => {
    const anyScene = fc.record({
      status: fc.constantFrom("planned", "rendering", "ready", "failed"),
      chunks: fc.integer({ min: 0, max: 2 }),
    });
    const anyReel = fc.array(anyScene, { maxLength: 6 }).map((scenes) =>
      plan(
        scenes.map(({ status, chunks }, index) =>
          scene(index, {
            status,
            chunks: Array.from({ length: chunks }, (_, i) => chunk(`a${index}${i}`, { chunkIndex: i })),
          }),
        ),
      ),
    );
    fc.assert(
      fc.property(anyReel, anyReel, fc.double({ min: 0, max: 60, noNaN: true }), (before, after, time) => {
        const moved = movePlace(before, after, placeAt(before, time));
        const exists = moved.slotKey === null || after.slots.some(({ key }) => key === moved.slotKey);
        expect(exists).toBe(true);
        expect(timeOf(after, moved)).toBeLessThanOrEqual(after.duration);
      }),
    );
  });

  test("never goes back to a scene that was finished when later ones change", () => {
    const before = plan([readyScene(0), readyScene(1), scene(2), scene(3)]);
    const after = plan([readyScene(0), readyScene(1), scene(2, { status: "failed" }), readyScene(3)]);
    const moved = movePlace(before, after, { slotKey: "s2/gap", offset: 0 });
    expect(moved).toEqual({ slotKey: "s3/0", offset: 0 });
  });
});
