/** Variables that nobody reads and that are one slip away from one that somebody does. */
import { variableName, type Setting } from "./setting.ts";

export interface MisspeltName {
  name: string;
  meant: string;
}

export function misspeltNames(
  tables: readonly Readonly<Record<string, Setting>>[],
  env: Readonly<Record<string, string | undefined>>,
): MisspeltName[] {
  const known = new Set(
    tables.flatMap((table) => Object.values(table).flatMap((setting) => setting.env.map(variableName))),
  );
  return Object.keys(env).flatMap((name) => {
    if (known.has(name)) return [];
    const meant = [...known].find((one) => isOneSlipAway(name, one));
    return meant === undefined ? [] : [{ name, meant }];
  });
}

/** A letter too many, too few or another one, or two that changed places: what is left between what is equal. */
function isOneSlipAway(name: string, known: string): boolean {
  let start = 0;
  while (start < name.length && name[start] === known[start]) start++;
  let end = 0;
  const shorter = Math.min(name.length, known.length);
  while (end < shorter - start && name.at(-1 - end) === known.at(-1 - end)) end++;
  const mine = name.slice(start, name.length - end);
  const its = known.slice(start, known.length - end);
  if (mine.length <= 1 && its.length <= 1) return true;
  return mine.length === 2 && its.length === 2 && mine[0] === its[1] && mine[1] === its[0];
}
