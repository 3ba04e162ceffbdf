/** Options that have no variable: how steps are repeated, and what the journal holds. */
import { GIB, HOUR, SECOND } from "../../contract/limits.ts";
import { OPERATION_RETRY } from "./resilience/retry.ts";
import { count, number, type Setting } from "./setting.ts";

export const RETRY_SETTINGS = {
  attempts: {
    option: "retry.attempts",
    env: [],
    schema: count(1, 100).default(OPERATION_RETRY.attempts),
    to: "attempts of a step, 1 to 100",
  },
  baseDelayMs: {
    option: "retry.baseDelayMs",
    env: [],
    schema: number(0).default(OPERATION_RETRY.baseDelayMs),
    to: "milliseconds, 0 or more",
  },
  maxDelayMs: {
    option: "retry.maxDelayMs",
    env: [],
    schema: number(0).default(OPERATION_RETRY.maxDelayMs),
    to: "milliseconds, 0 or more",
  },
} satisfies Record<string, Setting>;

export const JOURNAL_SETTINGS = {
  maxEntries: {
    option: "journal.maxEntries",
    env: [],
    schema: count(1).default(10_000),
    to: "uploads, 1 or more",
  },
  maxBytes: {
    option: "journal.maxBytes",
    env: [],
    schema: count(0).default(10 * GIB),
    to: "bytes, 0 or more",
  },
  waitForRoomMs: {
    option: "journal.waitForRoomMs",
    env: [],
    schema: number(0).default(10 * SECOND),
    to: "milliseconds, 0 or more",
  },
  maxAgeMs: {
    option: "journal.maxAgeMs",
    env: [],
    schema: number(0).default(7 * 24 * HOUR),
    to: "milliseconds, 0 or more",
  },
  maxAttempts: {
    option: "journal.maxAttempts",
    env: [],
    schema: count(1).default(10_000),
    to: "attempts, 1 or more",
  },
} satisfies Record<string, Setting>;
