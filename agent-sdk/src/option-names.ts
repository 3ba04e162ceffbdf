/** What no type tells a JavaScript program: options that do not exist, and ones of another kind than they are. */
import { JOURNAL_SETTINGS, RETRY_SETTINGS } from "./call-limits.ts";
import { nearest } from "./nearest.ts";
import type { Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

const PATHS: readonly string[] = [
  "env",
  "agentToken",
  ...[SETTINGS, RETRY_SETTINGS, JOURNAL_SETTINGS].flatMap((table) =>
    Object.values<Setting>(table).map(({ option = "" }) => option),
  ),
];
const GROUPS = new Set(PATHS.filter((path) => path.includes(".")).map((path) => path.split(".")[0] ?? ""));
const TOP = [...new Set(PATHS.map((path) => path.split(".")[0] ?? ""))];

/** Beside the keys in what the AWS SDK's providers answer with, which people spread into `s3`. */
const OF_AWS_CREDENTIALS = new Set(
  ["$source", "expiration", "credentialScope", "accountId"].map((name) => `s3.${name}`),
);

/** A misspelt option would be ignored in silence, and what it was to turn off would stay on. */
export function optionFaults(options: unknown): string[] {
  if (!isRecord(options))
    return [`options is wrong (${kindOf(options)}): set it to an object, or leave it out`];
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (!TOP.includes(name)) return [unknownName(name, TOP)];
    if (name === "agentToken") {
      const to = "a function that answers with a token";
      return typeof value === "function"
        ? []
        : [`option ${name} is wrong (${kindOf(value)}): set it to ${to}`];
    }
    if (name === "env") return isRecord(value) ? [] : [noGroup(name, value)];
    if (!GROUPS.has(name)) return [];
    if (!isRecord(value)) return [noGroup(name, value)];
    const inner = PATHS.filter((path) => path.startsWith(`${name}.`));
    return Object.keys(value)
      .map((key) => `${name}.${key}`)
      .filter((path) => !inner.includes(path) && !OF_AWS_CREDENTIALS.has(path))
      .map((path) => unknownName(path, inner));
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Not the value: it may hold a secret. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function noGroup(name: string, value: unknown): string {
  const what = name === "env" ? "an object of variables" : "an object";
  return `option ${name} is wrong (${kindOf(value)}): set it to ${what}`;
}

/** The nearest of its neighbours; or the same name where it belongs. */
function unknownName(path: string, neighbours: readonly string[]): string {
  const elsewhere = PATHS.find((known) => known.endsWith(`.${path}`));
  const meant = elsewhere ?? nearest(path, neighbours);
  return `option ${path} is not known${meant === undefined ? ": leave it out" : `: did you mean ${meant}?`}`;
}
