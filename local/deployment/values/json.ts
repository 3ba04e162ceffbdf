/** Parsed JSON text, before or after Convex's own tags (`$integer`, `$float`, `$bytes`) are applied. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Text of a non-empty object with one more member whose value already is JSON text. */
export function withMember(object: Record<string, unknown>, name: string, json: string): string {
  return `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(name)}:${json}}`;
}
