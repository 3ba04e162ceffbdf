/** pino, writing JSON lines with a readable time and level. */
import type { Logger } from "./log-to.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export async function createJsonLogger(level: LogLevel, write: (line: string) => void): Promise<Logger> {
  // Loaded by those who log alone.
  const { pino } = await import("pino");
  const options = {
    level,
    base: { pid: process.pid },
    messageKey: "event",
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = pino(options, { write });
  const at =
    (each: LogLevel): Logger[LogLevel] =>
    (facts, message) =>
      logger[each](facts, message);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
