/** What a command is: data that parsing, help and completion are made from, and the function that does it. */
import type { Context } from "./context.ts";
import { LOG_LEVELS } from "../log/json-logger.ts";
import type { ExitCode } from "./exit-code.ts";

interface Described {
  summary: string;
  /** Shown in help instead of the name. */
  placeholder?: string;
  choices?: readonly string[];
}

export interface Argument extends Described {
  /** Left out only where it is `optional`; `many` takes one or more. */
  takes?: "optional" | "many" | "any";
}

export type Option = Described &
  (
    | { kind: "flag" }
    | { kind: "text"; required?: true; many?: true }
    | { kind: "count"; required?: true; min?: number }
  );

export type Arguments = Readonly<Record<string, Argument>>;
export type Options = Readonly<Record<string, Option>>;

type TextOf<T extends Described> = T["choices"] extends readonly (infer Choice)[] ? Choice : string;

export type ArgumentValues<T extends Arguments> = {
  [Name in keyof T]: T[Name] extends { takes: "many" | "any" }
    ? TextOf<T[Name]>[]
    : T[Name] extends { takes: "optional" }
      ? TextOf<T[Name]> | undefined
      : TextOf<T[Name]>;
};

export type OptionValues<T extends Options> = {
  [Name in keyof T]: T[Name] extends { kind: "flag" }
    ? boolean
    : T[Name] extends { many: true }
      ? TextOf<T[Name]>[]
      : ValueOf<T[Name]> | (T[Name] extends { required: true } ? never : undefined);
};

type ValueOf<T extends Option> = T extends { kind: "count" } ? number : TextOf<T>;

export interface Example {
  does: string;
  /** The command line, `reelsync` included. */
  line: string;
}

interface Definition<A extends Arguments, O extends Options> {
  /** `["dead-letters", "list"]` */
  path: readonly [string] | readonly [string, string];
  summary: string;
  /** What has to be known beyond the summary, in sentences. */
  details?: string;
  args: A;
  options: O;
  /** Of each of these, one has to be given. */
  oneOf?: readonly (readonly (keyof O & string)[])[];
  examples: readonly [Example, ...Example[]];
  /** Ctrl-C and SIGTERM are how it ends, and no failure. */
  endsBySignal?: true;
  run: (input: { args: ArgumentValues<A>; options: OptionValues<O> }, context: Context) => Promise<ExitCode>;
}

export interface Input {
  args: Record<string, unknown>;
  options: Record<string, unknown>;
}

export interface Command extends Omit<Definition<Arguments, Options>, "run"> {
  run: (input: Input, context: Context) => Promise<ExitCode>;
}

export function defineCommand<const A extends Arguments, const O extends Options>(
  definition: Definition<A, O>,
): Command {
  return definition as unknown as Command;
}

/** Taken by every command. */
export const GLOBAL_OPTIONS = {
  json: { kind: "flag", summary: "Data as JSON, one document a line; errors as one JSON line on stderr" },
  timeout: {
    kind: "count",
    placeholder: "SECONDS",
    min: 1,
    summary: "Longest time a request to Convex, or an upload with all its retries, may take",
  },
  "log-level": {
    kind: "text",
    placeholder: "LEVEL",
    choices: LOG_LEVELS,
    summary: "What happens to uploads as JSON lines on stderr, from this level on",
  },
  // Not --env-file: Node takes that one for itself, wherever it stands.
  dotenv: {
    kind: "text",
    placeholder: "FILE",
    summary: "Read variables from this file; those of the environment win",
  },
  help: { kind: "flag", summary: "Show this help" },
} as const satisfies Options;

export function nameOf(command: Pick<Command, "path">): string {
  return command.path.join(" ");
}
