/** The real program in a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { cliCommand } from "./built-cli.ts";

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
  /** stdout as what `--json` promises: one document a line. */
  records: Record<string, unknown>[];
  /** The error that `--json` puts on stderr. */
  error: { code: string; message: string; fix?: string; exitCode: number } & Record<string, unknown>;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: string | Uint8Array;
  /** Leaves standard input open, for `during` to write to. */
  holdInput?: boolean;
  /** Runs as this user of the system; takes root. */
  uid?: number;
  /** For what happens to the program while it runs. */
  during?: (child: ChildProcessWithoutNullStreams) => void;
}

export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const [program, ...first] = await cliCommand();
  return runProgram(program, [...first, ...args], options);
}

/** Nothing of the caller's environment but where programs are. */
const BARE_ENV = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" };

export async function runProgram(
  program: string,
  args: readonly string[],
  { env = {}, cwd, input, holdInput = false, uid, during }: RunOptions,
): Promise<Run> {
  const child = spawn(program, args, {
    cwd,
    env: { ...BARE_ENV, ...env },
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const stdout = gather(child.stdout);
  const stderr = gather(child.stderr);
  // A program that does not read may be gone before its input is.
  child.stdin.on("error", () => undefined);
  if (!holdInput) child.stdin.end(input ?? "");
  during?.(child);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return {
    code,
    stdout: stdout(),
    stderr: stderr(),
    get records() {
      return stdout()
        .trimEnd()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    get error() {
      return (JSON.parse(stderr()) as { error: Run["error"] }).error;
    },
  };
}

function gather(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
