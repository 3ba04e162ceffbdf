/** Cron expressions of five fields (minute hour day-of-month month day-of-week), in UTC. */

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const minuteMs = 60_000;
/** 29 February on a given weekday can be decades away. */
const horizonMs = 100 * 366 * 24 * 60 * minuteMs;

export interface CronExpression {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  daysOfMonth: ReadonlySet<number>;
  months: ReadonlySet<number>;
  daysOfWeek: ReadonlySet<number>;
  /** When both day fields are restricted, a day matches if either does. */
  eitherDay: boolean;
}

export function parseCronExpression(text: string): CronExpression {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) {
    throw new Error(
      `Cron expression "${text}" must have five fields: minute hour day-of-month month day-of-week.`,
    );
  }
  const [minutes, hours, daysOfMonth, monthsOfYear, daysOfWeek] = fields as [
    string,
    string,
    string,
    string,
    string,
  ];
  const weekdays = parseField(text, daysOfWeek, 0, 7, days);
  if (weekdays.delete(7)) weekdays.add(0);
  return {
    minutes: parseField(text, minutes, 0, 59),
    hours: parseField(text, hours, 0, 23),
    daysOfMonth: parseField(text, daysOfMonth, 1, 31),
    months: parseField(text, monthsOfYear, 1, 12, months),
    daysOfWeek: weekdays,
    eitherDay: isRestricted(daysOfMonth) && isRestricted(daysOfWeek),
  };
}

/** The first matching minute after the given time. */
export function nextMatch(cron: CronExpression, afterMs: number): number {
  let candidate = (Math.floor(afterMs / minuteMs) + 1) * minuteMs;
  const end = afterMs + horizonMs;
  while (candidate < end) {
    const time = new Date(candidate);
    if (!cron.months.has(time.getUTCMonth() + 1)) {
      candidate = Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 1);
    } else if (!matchesDay(cron, time)) {
      candidate = Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate() + 1);
    } else if (!cron.hours.has(time.getUTCHours())) {
      candidate = Date.UTC(
        time.getUTCFullYear(),
        time.getUTCMonth(),
        time.getUTCDate(),
        time.getUTCHours() + 1,
      );
    } else if (!cron.minutes.has(time.getUTCMinutes())) {
      candidate += minuteMs;
    } else {
      return candidate;
    }
  }
  throw new Error("The cron expression matches no day.");
}

function matchesDay(cron: CronExpression, time: Date): boolean {
  const ofMonth = cron.daysOfMonth.has(time.getUTCDate());
  const ofWeek = cron.daysOfWeek.has(time.getUTCDay());
  return cron.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}

function isRestricted(field: string): boolean {
  return field !== "?" && !field.startsWith("*");
}

function parseField(
  expression: string,
  field: string,
  min: number,
  max: number,
  names: string[] = [],
): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(",")) {
    const [range = "", stepText] = part.split("/");
    const step = stepText === undefined ? 1 : Number(stepText);
    const [from, to] = parseRange(range, stepText !== undefined, min, max, names);
    if (
      !Number.isInteger(step) ||
      step < 1 ||
      !isWithin(from, min, max) ||
      !isWithin(to, min, max) ||
      from > to
    ) {
      throw new Error(`Cron expression "${expression}": "${part}" is no value from ${min} to ${max}.`);
    }
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values;
}

function parseRange(
  range: string,
  hasStep: boolean,
  min: number,
  max: number,
  names: string[],
): [number, number] {
  if (range === "*" || range === "?") return [min, max];
  const [fromText = "", toText] = range.split("-");
  const from = parseValue(fromText, names, min);
  if (toText !== undefined) return [from, parseValue(toText, names, min)];
  return [from, hasStep ? max : from];
}

function parseValue(text: string, names: string[], min: number): number {
  const named = names.indexOf(text.slice(0, 3).toLowerCase());
  if (named !== -1) return named + min;
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
