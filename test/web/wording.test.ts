import { readFile } from "node:fs/promises";
import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../contract/error-code.ts";
import { describeError } from "../../web/src/describe-error.ts";
import { AGENT_EXAMPLE } from "../../web/src/sessions/agent-example.ts";
import { readiness } from "../../web/src/sessions/session-status.ts";
import { formatBytes, formatCount, formatDuration, formatRelative } from "../../web/src/ui/format.ts";

describe("errors", () => {
  test("[G7] a coded refusal is shown with its message, its code and the fix", () => {
    const error = new ConvexError({ code: "RECONCILE_BUSY", message: "The run r1 is running." });
    expect(describeError(error)).toEqual({
      code: "RECONCILE_BUSY",
      message: "The run r1 is running.",
      fix: ERRORS.RECONCILE_BUSY.fix,
    });
  });

  test("the fix is not said twice", () => {
    const message = `Too slow. ${ERRORS.DEADLINE_EXCEEDED.fix}`;
    expect(describeError(new ConvexError({ code: "DEADLINE_EXCEEDED", message })).fix).toBe("");
  });

  test("anything else is shown without its stack", () => {
    expect(describeError(new Error("boom\n    at somewhere"))).toMatchObject({
      code: "UNEXPECTED",
      message: "boom",
    });
  });
});

describe("numbers", () => {
  test("sizes are decimal and short", () => {
    expect([1, 999, 1500, 37_000, 2_900_000, 999_999_999_999].map(formatBytes)).toEqual([
      "1 byte",
      "999 bytes",
      "1.5 kB",
      "37 kB",
      "2.9 MB",
      "1 TB",
    ]);
  });

  test("lengths are clock times", () => {
    expect([0, 7.4, 61, 3725].map(formatDuration)).toEqual(["0:00", "0:07", "1:01", "1:02:05"]);
  });

  test("times are relative to now", () => {
    const now = Date.UTC(2026, 0, 2);
    expect(formatRelative(now - 4_000, now)).toBe("just now");
    expect(formatRelative(now - 120_000, now)).toBe("2 minutes ago");
    expect(formatRelative(now - 26 * 3_600_000, now)).toBe("yesterday");
  });

  test("counts agree with their noun", () => {
    expect([formatCount(1, "object"), formatCount(12_430, "object")]).toEqual(["1 object", "12,430 objects"]);
  });
});

describe("readiness", () => {
  test("counts against the plan when that is longer than what was announced", () => {
    expect(readiness({ readyCount: 3, sceneCount: 5, plannedSceneCount: 8 }).text).toBe(
      "3 of 8 scenes ready",
    );
    expect(readiness({ readyCount: 1, sceneCount: 1 }).text).toBe("1 of 1 scene ready");
    expect(readiness({ readyCount: 0, sceneCount: 0 }).text).toBe("No scenes yet");
  });
});

test("the first session's example is the one the README opens with", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const printed = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const bare = (code: string) => code.replace(/\s+/g, "").replace(/,([)}])/g, "$1");
  expect(bare(AGENT_EXAMPLE)).toBe(bare(printed));
});
