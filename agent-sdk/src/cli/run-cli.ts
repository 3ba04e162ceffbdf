/** One run of the program: parse, run, and end with the right code. The only file here that knows the process. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { parseEnv } from "node:util";
import { ReelsyncError } from "../errors.ts";
import { COMMANDS } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, exitCodeOf, UsageError, type ExitCode } from "./exit-code.ts";
import { help } from "./help.ts";
import { createOutput, type Output } from "./output.ts";
import { parse, type Globals } from "./parse.ts";

type Process = typeof process;

export async function runCli(process: Process): Promise<void> {
  const argv = process.argv.slice(2);
  const pipes = ignoreClosedPipes(process);
  let output = createOutput(process, process.env, argv.includes("--json"));
  try {
    const parsed = parse(COMMANDS, argv);
    if (parsed.kind === "version") {
      output.give({ version: version() }, version());
    } else if (parsed.kind === "help") {
      process.stdout.write(`${help(COMMANDS, parsed.words, output.paint)}\n`);
    } else {
      const env = environment(process.env, parsed.globals.dotenv);
      output = createOutput(process, env, parsed.globals.json);
      const { command, input, globals } = parsed;
      process.exitCode = await interruptible(process, output, command.endsBySignal === true, (signal) =>
        command.run(input, { ...createContext(process, env, output, globals, signal), ...pipes }),
      );
    }
  } catch (error) {
    output.fail(error);
    process.exitCode = exitCodeOf(error);
  }
  // A pipe nobody closes would keep the program waiting for what it does not read any more.
  process.stdin.destroy();
}

/** The first signal lets the command clean up, the second one does not wait for that. */
async function interruptible(
  process: Process,
  output: Output,
  endsBySignal: boolean,
  run: (signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const controller = new AbortController();
  let stopped: ExitCode | undefined;
  const stopBy = (code: ExitCode) => () => {
    if (stopped !== undefined) process.exit(code);
    stopped = code;
    output.say("stopping and cleaning up; once more stops at once");
    controller.abort(new ReelsyncError("ABORTED", "The command was stopped"));
  };
  const handlers = { SIGINT: stopBy(EXIT.interrupted), SIGTERM: stopBy(EXIT.terminated) } as const;
  for (const [name, handler] of Object.entries(handlers)) process.on(name, handler);
  try {
    const code = await run(controller.signal);
    return endsBySignal ? code : (stopped ?? code);
  } catch (error) {
    if (stopped === undefined) throw error;
    // That it was stopped is known; what else went wrong meanwhile is not.
    if (output.json || !isAbort(error)) output.fail(error);
    return stopped;
  } finally {
    for (const [name, handler] of Object.entries(handlers)) process.off(name, handler);
  }
}

function isAbort(error: unknown): boolean {
  return exitCodeOf(error) === EXIT.interrupted || (error instanceof Error && error.name === "AbortError");
}

function createContext(
  process: Process,
  env: Context["env"],
  output: Output,
  { timeout, "log-level": logLevel }: Globals,
  signal: AbortSignal,
): Omit<Context, keyof ClosedPipes> {
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && !output.json;
  return {
    env,
    cwd: process.cwd(),
    output,
    stdin: process.stdin,
    signal,
    logLevel,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    canAsk,
    async confirm(question, yes) {
      if (yes) return true;
      if (!canAsk)
        throw new UsageError(`${question} Nobody can be asked here`, "Say --yes to go on without asking.");
      const line = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return /^y(es)?$/i.test((await line.question(`${question} [y/N] `, { signal })).trim());
      } finally {
        line.close();
      }
    },
  };
}

type ClosedPipes = Pick<Context, "outliveReader">;

/** `reelsync ls | head -1` closes the pipe early, which is no error. */
function ignoreClosedPipes(process: Process): ClosedPipes {
  let outlives = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      if (!outlives) process.exit(EXIT.ok);
    });
  }
  return { outliveReader: () => void (outlives = true) };
}

function environment(own: NodeJS.ProcessEnv, file: string | undefined): Context["env"] {
  if (file === undefined) return own;
  try {
    return { ...parseEnv(readFileSync(file, "utf8")), ...own };
  } catch (error) {
    throw new UsageError(
      `--dotenv ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
      "Name a file with one NAME=value a line.",
    );
  }
}

function version(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
