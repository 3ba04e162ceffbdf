/** What a running command may use of the world. Nothing else below `cli/` touches `process`. */
import type { Readable } from "node:stream";
import type { LogLevel } from "../log/json-logger.ts";
import type { Output } from "./output.ts";

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly output: Output;
  readonly stdin: Readable;
  /** From now on a reader of stdout that goes away does not end the program. */
  readonly outliveReader: () => void;
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** `--log-level`; what REELSYNC_LOG says counts without it. */
  readonly logLevel: LogLevel | undefined;
  /** `--timeout`. */
  readonly timeoutMs: number | undefined;
  /**
   * Whether to go on with what cannot be undone. Asks only a person at a terminal; without one, and without `--yes`,
   * the command is refused.
   */
  readonly confirm: (question: string, yes: boolean) => Promise<boolean>;
  /** Whether somebody can be asked at all. */
  readonly canAsk: boolean;
}
