/** How the commands of this folder start: flags parsed once, `--help`, and a plain reason instead of a stack trace. */
import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Flags<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

export async function runCommand<T extends Options>(
  command: { help: string; options: T; failure: string },
  main: (flags: Flags<T>) => Promise<void>,
): Promise<void> {
  let flags: Flags<T>;
  try {
    flags = parseArgs({ options: command.options }).values;
  } catch (error) {
    console.error(`${reasonOf(error)}\n\n${command.help}`);
    process.exitCode = 2;
    return;
  }
  if ((flags as { help?: boolean }).help) {
    console.log(command.help);
    return;
  }
  try {
    await main(flags);
  } catch (error) {
    console.error(`${command.failure}: ${reasonOf(error)}`);
    // Something may still hold the process open after a failure; the reason has been said.
    process.exit(1);
  }
}

/** Resolves when the person or the system asks the process to stop. */
export function stopRequested(): Promise<void> {
  return new Promise((stop) => process.once("SIGINT", () => stop()).once("SIGTERM", () => stop()));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function storageKind(text: string): "s3" | "local" {
  if (text === "s3" || text === "local") return text;
  throw new Error(`--storage must be s3 or local, not "${text}"`);
}
