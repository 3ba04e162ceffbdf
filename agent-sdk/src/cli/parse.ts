/** From the words of a command line to a command and its checked input. Every fault is a UsageError that names the help to read. */
import { parseArgs } from "node:util";
import { GLOBAL_OPTIONS, nameOf, type Command, type Input, type Option, type Options } from "./command.ts";
import { UsageError } from "./exit-code.ts";
import type { LogLevel } from "../log/json-logger.ts";
import { nearest } from "../nearest.ts";

export interface Globals {
  json: boolean;
  help: boolean;
  timeout: number | undefined;
  dotenv: string | undefined;
  "log-level": LogLevel | undefined;
}

export type Parsed =
  | { kind: "command"; command: Command; input: Input; globals: Globals }
  /** Help for a command, or for all that begin with these words. */
  | { kind: "help"; words: readonly string[] }
  | { kind: "version" };

export function parse(commands: readonly Command[], argv: readonly string[]): Parsed {
  const { leading, rest } = leadingOptions(argv);
  if (rest[0] === "--version") return { kind: "version" };
  if (rest[0] === "help") {
    const words = rest.slice(1).filter((word) => !word.startsWith("-"));
    if (!isKnown(commands, words)) throw unknownCommand(commands, words);
    return { kind: "help", words };
  }
  const command = find(commands, rest);
  if (command === undefined) {
    const words = rest.filter((word) => !word.startsWith("-"));
    if (asksForHelp(argv) && isKnown(commands, words)) return { kind: "help", words };
    throw unknownCommand(commands, words);
  }
  const own = rest.slice(command.path.length);
  // A mistake elsewhere in the line is no reason to refuse help.
  if (asksForHelp([...leading, ...own])) return { kind: "help", words: command.path };
  return { kind: "command", command, ...readInput(command, [...leading, ...own]) };
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return words.slice(0, end === -1 ? undefined : end).some((word) => word === "--help" || word === "-h");
}

/** Options that every command takes may stand before its name. */
function leadingOptions(argv: readonly string[]): { leading: string[]; rest: string[] } {
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at] ?? "";
    const [name = "", inline] = word.replace(/^--/, "").split("=", 2);
    const option = word === "-h" ? GLOBAL_OPTIONS.help : (GLOBAL_OPTIONS as Options)[name];
    if (!word.startsWith("-") || option === undefined) break;
    if (option.kind !== "flag" && inline === undefined) at += 1;
  }
  return { leading: argv.slice(0, at), rest: argv.slice(at) };
}

function find(commands: readonly Command[], words: readonly string[]): Command | undefined {
  return commands.find(({ path }) => path.every((word, index) => words[index] === word));
}

function isKnown(commands: readonly Command[], words: readonly string[]): boolean {
  return commands.some(({ path }) => words.every((word, index) => path[index] === word));
}

function unknownCommand(commands: readonly Command[], words: readonly string[]): UsageError {
  const [first, second] = words;
  if (first === undefined) return new UsageError("No command is given", "reelsync --help lists them.");
  const group = commands.filter(({ path }) => path[0] === first && path.length > 1);
  const candidates =
    group.length > 0 ? group.map(({ path }) => path[1] ?? "") : commands.map(({ path }) => path[0]);
  const wrong = group.length > 0 ? second : first;
  const list = `reelsync${group.length > 0 ? ` ${first}` : ""} --help lists what there is.`;
  if (wrong === undefined) return new UsageError(`"${first}" needs one of ${candidates.join(", ")}`, list);
  const near = nearest(wrong, candidates);
  const prefix = group.length > 0 ? `${first} ` : "";
  return new UsageError(
    `There is no command "${prefix}${wrong}"`,
    near === undefined ? list : `Did you mean "reelsync ${prefix}${near}"?`,
  );
}

function readInput(command: Command, words: string[]): { input: Input; globals: Globals } {
  const help = `reelsync ${nameOf(command)} --help shows how.`;
  const options: Options = { ...command.options, ...GLOBAL_OPTIONS };
  const { values, positionals } = split(options, words, help);
  refuseMissing(command, values, positionals.length, help);
  const read = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, readOption(name, option, values[name], help)]),
  );
  return {
    input: { args: readArguments(command, positionals, help), options: read },
    globals: read as unknown as Globals,
  };
}

/** All at once: nobody wants to hear of them one by one. */
function refuseMissing(
  { args, options, oneOf = [] }: Command,
  values: Record<string, Given>,
  given: number,
  help: string,
): void {
  const needed = Object.entries(args).map(([name, { takes, placeholder = name }], index) =>
    (takes === undefined || takes === "many") && index >= given ? `<${placeholder}>` : undefined,
  );
  const required = Object.entries(options).map(([name, option]) =>
    option.kind !== "flag" && option.required && values[name] === undefined ? `--${name}` : undefined,
  );
  const choices = oneOf.map((names) =>
    names.every((name) => values[name] === undefined)
      ? names.map((name) => `--${name}`).join(" or ")
      : undefined,
  );
  const missing = [...needed, ...required, ...choices].filter((name) => name !== undefined);
  if (missing.length === 0) return;
  const verb = missing.length === 1 ? "is" : "are";
  throw new UsageError(`${missing.join(", ")} ${verb} missing`, help);
}

type Given = string | boolean | (string | boolean)[] | undefined;

function split(
  options: Options,
  words: string[],
  help: string,
): { values: Record<string, Given>; positionals: string[] } {
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { kind }]) => [
          name,
          // Every occurrence is kept, so that an option given twice is noticed instead of the first one lost.
          { type: kind === "flag" ? "boolean" : "string", multiple: true },
        ]),
      ),
    });
  } catch (error) {
    const unknown = /Unknown option '(--?[^']+)'/.exec((error as Error).message)?.[1];
    if (unknown === undefined) throw new UsageError((error as Error).message.split(". ")[0] ?? "", help);
    const near = nearest(unknown.replace(/^-+/, ""), Object.keys(options));
    throw new UsageError(
      `There is no option ${unknown}`,
      near === undefined ? help : `Did you mean --${near}?`,
    );
  }
}

function readOption(name: string, option: Option, given: Given, help: string): unknown {
  const all = (given ?? []) as (string | boolean)[];
  if (option.kind === "flag") return all.length > 0;
  const texts = all as string[];
  for (const text of texts) refuseOddChoice(`--${name}`, option.choices, text, help);
  if (texts.some((text) => text === "")) throw new UsageError(`--${name} is empty`, help);
  if (option.kind === "text" && option.many) return texts;
  if (texts.length > 1) throw new UsageError(`--${name} is given ${texts.length} times`, help);
  const [text] = texts;
  if (text === undefined) return undefined;
  return option.kind === "count" ? readCount(name, text, option.min ?? 0, help) : text;
}

function readCount(name: string, text: string, min: number, help: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= min) return count;
  throw new UsageError(`--${name} is "${text}", expected a whole number from ${min}`, help);
}

function readArguments(command: Command, positionals: string[], help: string): Record<string, unknown> {
  const left = [...positionals];
  const read: Record<string, unknown> = {};
  for (const [name, { takes, choices, placeholder = name }] of Object.entries(command.args)) {
    const taken = takes === "many" || takes === "any" ? left.splice(0) : left.splice(0, 1);
    for (const text of taken) refuseOddChoice(placeholder, choices, text, help);
    if (taken.some((text) => text === "")) throw new UsageError(`<${placeholder}> is empty`, help);
    read[name] = takes === "many" || takes === "any" ? taken : taken[0];
  }
  if (left.length > 0) throw new UsageError(`"${left[0] ?? ""}" is one argument too many`, help);
  return read;
}

function refuseOddChoice(
  what: string,
  choices: readonly string[] | undefined,
  text: string,
  help: string,
): void {
  if (choices === undefined || choices.includes(text)) return;
  const near = nearest(text, choices);
  throw new UsageError(
    `${what} is "${text}", expected ${choices.join(", ")}`,
    near === undefined ? help : `Did you mean ${near}?`,
  );
}
