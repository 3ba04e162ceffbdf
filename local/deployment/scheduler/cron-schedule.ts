/** When a cron runs next. All times are UTC milliseconds. */
import type { CronSchedule } from "../runtime/app.ts";
import { nextMatch, parseCronExpression } from "./cron-expression.ts";

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** The run after one that was due at `previousMs` (null: none was). Occurrences missed by now are skipped. */
export function nextRun(
  name: string,
  schedule: CronSchedule,
  previousMs: number | null,
  nowMs: number,
): number {
  if (schedule.type !== "interval") {
    return nextMatch(parseCronExpression(cronText(name, schedule)), Math.max(previousMs ?? nowMs, nowMs));
  }
  if (previousMs === null) return nowMs;
  const intervalMs = intervalOf(schedule);
  const missed = Math.max(0, Math.floor((nowMs - previousMs) / intervalMs));
  return previousMs + (missed + 1) * intervalMs;
}

/** Throws when the schedule is none. */
export function checkSchedule(name: string, schedule: CronSchedule): void {
  if (schedule.type === "interval") {
    if (!(intervalOf(schedule) > 0)) throw new Error("an interval must be longer than zero");
  } else {
    parseCronExpression(cronText(name, schedule));
  }
}

function intervalOf(schedule: Extract<CronSchedule, { type: "interval" }>): number {
  if ("seconds" in schedule) return schedule.seconds * 1000;
  return "minutes" in schedule ? schedule.minutes * 60_000 : schedule.hours * 3_600_000;
}

function cronText(name: string, schedule: Exclude<CronSchedule, { type: "interval" }>): string {
  switch (schedule.type) {
    case "cron":
      return schedule.cron;
    case "hourly":
      return `${minuteOf(name, schedule)} * * * *`;
    case "daily":
      return `${minuteOf(name, schedule)} ${schedule.hourUTC} * * *`;
    case "weekly":
      return `${minuteOf(name, schedule)} ${schedule.hourUTC} * * ${weekdays.indexOf(schedule.dayOfWeek)}`;
    case "monthly":
      return `${minuteOf(name, schedule)} ${schedule.hourUTC} ${schedule.day} * *`;
  }
}

/** A minute left out is any one, but always the same for this cron. */
function minuteOf(name: string, { minuteUTC }: { minuteUTC?: number }): number {
  if (minuteUTC !== undefined) return minuteUTC;
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)!) % 60;
  return hash;
}
