/** Collects what a function prints, as the strings clients show: `[LOG] 'text' { a: 1 }`. */
import { inspect } from "node:util";

const maxLines = 256;
const maxLineLength = 32_768;

export type Level = "DEBUG" | "INFO" | "LOG" | "WARN" | "ERROR";

export class ConsoleLines {
  readonly lines: string[] = [];

  add(level: Level, args: readonly unknown[]): void {
    if (this.lines.length > maxLines) return;
    if (this.lines.length === maxLines) {
      this.lines.push(`[ERROR] Log overflow (maximum ${maxLines}). Remaining log lines omitted.`);
      return;
    }
    const line = `[${level}] ${args.map((arg) => inspect(arg)).join(" ")}`;
    this.lines.push(
      line.length > maxLineLength ? `${line.slice(0, maxLineLength)} (truncated due to length)` : line,
    );
  }
}

/** A `console` that writes to whichever function is running; outside of one, what is printed is dropped. */
export function createConsole(current: () => ConsoleLines | null, nowMs: () => number): Console {
  const timers = new Map<string, number>();
  const counts = new Map<string, number>();
  const add = (level: Level, args: readonly unknown[]) => current()?.add(level, args);
  const level =
    (name: Level) =>
    (...args: unknown[]) =>
      add(name, args);
  const elapsed = (label: string) => `${label}: ${nowMs() - (timers.get(label) ?? nowMs())}ms`;
  const methods = {
    debug: level("DEBUG"),
    info: level("INFO"),
    log: level("LOG"),
    warn: level("WARN"),
    error: level("ERROR"),
    trace: level("LOG"),
    dir: (value: unknown) => add("LOG", [value]),
    table: (value: unknown) => add("LOG", [value]),
    group: level("LOG"),
    groupCollapsed: level("LOG"),
    groupEnd: () => undefined,
    assert: (condition: unknown, ...args: unknown[]) => {
      if (!condition) add("ERROR", ["Assertion failed", ...args]);
    },
    count: (label = "default") => {
      const count = (counts.get(label) ?? 0) + 1;
      counts.set(label, count);
      add("INFO", [`${label}: ${count}`]);
    },
    countReset: (label = "default") => counts.delete(label),
    time: (label = "default") => timers.set(label, nowMs()),
    timeLog: (label = "default", ...args: unknown[]) => add("INFO", [elapsed(label), ...args]),
    timeEnd: (label = "default") => {
      add("INFO", [elapsed(label)]);
      timers.delete(label);
    },
    clear: () => undefined,
  };
  return methods as unknown as Console;
}
