import { describe, expect, test } from "vitest";
import { ageOf, dateCall, markCall, type CallMark } from "../../agent-sdk/src/call-mark.ts";

const mark = (over: Partial<CallMark>): CallMark => ({
  clock: "first",
  tick: 1_000,
  uptimeMs: 1_000,
  wallMs: 1_000_000,
  ...over,
});

describe("the age of a call", () => {
  test.each([
    ["is the running clock's, whatever the time of day was set to", { wallMs: 5 }, 7_000],
    ["counts the time the machine slept", { uptimeMs: 601_000 }, 600_000],
    ["is not moved by the coarse clock's steps", { uptimeMs: 8_100 }, 7_000],
    ["is the time of day's across a restart of the machine", { clock: "second", tick: 10 }, 7_000],
    ["is never below zero", { clock: "second", wallMs: 0 }, 0],
  ])("%s", (_what, later, expected) => {
    const now = mark({ tick: 8_000, uptimeMs: 8_000, wallMs: 1_007_000, ...later });
    expect(ageOf(mark({}), now)).toBe(expected);
  });

  test("is measured whenever it is sent", () => {
    const said = dateCall({ uploadId: "x" }, markCall());
    const [first, second] = [0, 1].map(() => JSON.parse(JSON.stringify(said)) as typeof said);
    expect(second?.made?.ageMs).toBeGreaterThan(first?.made?.ageMs ?? Infinity);
    expect(second?.made?.tick).toBe(first?.made?.tick);
  });
});

test("what nobody marked is sent as it was", () => {
  expect(dateCall({ uploadId: "x" }, undefined)).toEqual({ uploadId: "x" });
});
