/** A value as a message shows it: on one line, short, and without the user and password of a URL. */
import { withoutLogin } from "./without-login.ts";

const LONGEST = 100;

export function quoted(value: unknown): string {
  const text = withoutLogin(asText(value));
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** JSON where there is one: not of functions, of what goes round in a circle, and of numbers that are none. */
function asText(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "number" || typeof value === "symbol") return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return typeof value;
  }
}
