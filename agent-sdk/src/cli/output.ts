/**
 * Where everything goes: data on stdout, talk on stderr, so that a pipe carries data only. With `--json` data is JSON,
 * one document a line, and an error is one JSON line on stderr.
 */
import { styleText } from "node:util";
import { isReelsyncError } from "../errors.ts";
import { asUnexpected } from "../unexpected.ts";
import { exitCodeOf, UsageError } from "./exit-code.ts";
import { createLiveArea, type LiveArea } from "./live-area.ts";

export type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
export type Paint = (colour: Colour, text: string) => string;

export interface OutputStreams {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

export interface Output {
  readonly json: boolean;
  /** Data: the record with `--json`, else the text. */
  give: (record: unknown, text: string) => void;
  /** Talk, for people: progress, warnings, hints. Not with `--json`, where stderr holds errors only. */
  say: (text: string) => void;
  /** A line of the log, on stderr with the talk. */
  log: (line: string) => void;
  fail: (error: unknown) => void;
  /** Colours for stdout and for stderr; plain without a terminal and under NO_COLOR. */
  readonly paint: Paint;
  readonly paintTalk: Paint;
  /** Transient lines on stderr, and on stdout. */
  readonly liveTalk: LiveArea;
  readonly liveData: LiveArea;
}

export function createOutput(
  { stdout, stderr }: OutputStreams,
  env: Readonly<Record<string, string | undefined>>,
  json: boolean,
): Output {
  const liveTalk = createLiveArea(json ? { write: () => true } : stderr, env["TERM"]);
  const liveData = createLiveArea(json ? { write: () => true } : stdout, env["TERM"]);
  const coloured = (stream: NodeJS.WriteStream) =>
    stream.isTTY && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb" && !json;
  const painter =
    (on: boolean): Paint =>
    (colour, text) =>
      on ? styleText(colour, text) : text;
  const paintTalk = painter(coloured(stderr));
  const besideBoth = (write: () => void) => liveTalk.beside(() => liveData.beside(write));

  return {
    json,
    give: (record, text) => besideBoth(() => stdout.write(`${json ? JSON.stringify(record) : text}\n`)),
    say(text) {
      if (!json) besideBoth(() => stderr.write(`${text}\n`));
    },
    log: (line) => besideBoth(() => stderr.write(line)),
    fail(error) {
      const told = describe(error);
      if (json) {
        stderr.write(`${JSON.stringify({ error: told })}\n`);
        return;
      }
      const lines = [`${paintTalk("red", "error")} ${paintTalk("bold", told.code)}: ${told.message}`];
      if (told.hint !== undefined) lines.push(`  fix: ${told.hint}`);
      if (told.requestId !== undefined) lines.push(`  request: ${told.requestId}`);
      if (told.deadLetter !== undefined) lines.push(parkedLine(told.deadLetter));
      besideBoth(() => stderr.write(`${lines.join("\n")}\n`));
    },
    paint: painter(coloured(stdout)),
    paintTalk,
    liveTalk,
    liveData,
  };
}

export interface ToldError {
  code: string;
  message: string;
  hint?: string;
  retryable: boolean;
  requestId?: string;
  deadLetter?: { id: string; delivered: boolean };
  exitCode: number;
}

/** An error as data. What nobody foresaw has no code of its own and says so. */
export function describe(error: unknown): ToldError {
  const exitCode = exitCodeOf(error);
  if (isReelsyncError(error)) {
    const { code, hint, retryable, requestId, deadLetter } = error;
    return {
      code,
      message: withoutEnd(error.message, hint),
      hint,
      retryable,
      ...(requestId !== undefined && { requestId }),
      ...(deadLetter !== undefined && { deadLetter }),
      exitCode,
    };
  }
  if (error instanceof UsageError) {
    return { code: "USAGE", message: error.message, hint: error.hint, retryable: false, exitCode };
  }
  return { ...asUnexpected(error), exitCode };
}

/** The SDK's messages end with the fix, which stands on a line of its own here. */
function withoutEnd(message: string, end: string): string {
  const rest = message.endsWith(end) ? message.slice(0, -end.length).trimEnd() : message;
  return rest === "" ? message : rest;
}

function parkedLine({ id, delivered }: { id: string; delivered: boolean }): string {
  const where = delivered ? "" : ", which waits on this machine until Convex can be told";
  return `  kept as dead letter ${id}${where}\n  retry: reelsync dead-letters retry ${id}`;
}
