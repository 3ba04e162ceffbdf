import { describe, expect, it } from "vitest";
import { nextMatch, parseCronExpression } from "../../../../local/deployment/scheduler/cron-expression.ts";
import { checkSchedule, nextRun } from "../../../../local/deployment/scheduler/cron-schedule.ts";

const at = (text: string) => Date.parse(`${text}Z`);
const after = (expression: string, text: string) =>
  new Date(nextMatch(parseCronExpression(expression), at(text))).toISOString().slice(0, 16);

describe("a cron expression", () => {
  it.each([
    ["* * * * *", "2024-01-31T23:59:59", "2024-02-01T00:00"],
    ["*/15 * * * *", "2024-01-01T00:15", "2024-01-01T00:30"],
    ["5-10/5 3 * * *", "2024-01-01T03:05", "2024-01-01T03:10"],
    ["0 0 29 2 *", "2024-03-01T00:00", "2028-02-29T00:00"],
    ["0 9 * * mon-fri", "2024-01-05T09:00", "2024-01-08T09:00"],
    ["0 9 * * 7", "2024-01-01T00:00", "2024-01-07T09:00"],
    ["0 0 1,15 * *", "2024-01-01T00:00", "2024-01-15T00:00"],
    ["0 0 13 * fri", "2024-09-01T00:00", "2024-09-06T00:00"],
    ["30 4 1 JAN *", "2024-01-01T04:30", "2025-01-01T04:30"],
  ])("%s after %s is %s", (expression, from, next) => {
    expect(after(expression, from)).toBe(next);
  });

  it.each(["* * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "a * * * *", "* * * 13 *"])(
    "%s is refused [G7]",
    (expression) => {
      expect(() => parseCronExpression(expression)).toThrow("Cron expression");
    },
  );
});

describe("a schedule", () => {
  it("of an interval starts at once, keeps its beat, and skips what it missed", () => {
    const schedule = { type: "interval", seconds: 10 } as const;
    expect(nextRun("x", schedule, null, 1_000)).toBe(1_000);
    expect(nextRun("x", schedule, 1_000, 1_001)).toBe(11_000);
    expect(nextRun("x", schedule, 1_000, 45_000)).toBe(51_000);
  });

  it("by hour, day, week and month comes at its UTC time", () => {
    const now = at("2024-01-31T12:00");
    const next = (schedule: Parameters<typeof nextRun>[1]) =>
      new Date(nextRun("x", schedule, null, now)).toISOString();
    expect(next({ type: "hourly", minuteUTC: 30 })).toBe("2024-01-31T12:30:00.000Z");
    expect(next({ type: "daily", hourUTC: 12, minuteUTC: 0 })).toBe("2024-02-01T12:00:00.000Z");
    expect(next({ type: "weekly", dayOfWeek: "monday", hourUTC: 0, minuteUTC: 1 })).toBe(
      "2024-02-05T00:01:00.000Z",
    );
    expect(next({ type: "monthly", day: 30, hourUTC: 1, minuteUTC: 0 })).toBe("2024-03-30T01:00:00.000Z");
    const left = next({ type: "daily", hourUTC: 5 });
    expect(left).toBe(next({ type: "daily", hourUTC: 5 }));
    expect(left).toMatch(/^2024-02-01T05:\d\d:00/);
  });

  it("that never comes is refused [G7]", () => {
    expect(() => checkSchedule("x", { type: "interval", seconds: 0 })).toThrow();
    expect(() => checkSchedule("x", { type: "cron", cron: "bad" })).toThrow();
  });
});
