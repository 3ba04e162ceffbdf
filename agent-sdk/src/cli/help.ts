/** Help, made from the table of commands: what exists cannot be missing in it. */
import { columns } from "./columns.ts";
import { GLOBAL_OPTIONS, nameOf, type Argument, type Command, type Option, type Options } from "./command.ts";
import { EXIT, EXIT_MEANINGS } from "./exit-code.ts";
import type { Paint } from "./output.ts";

/** For all commands, for a group (`session`), or for one. */
export function help(commands: readonly Command[], words: readonly string[], paint: Paint): string {
  const found = commands.filter(({ path }) => words.every((word, index) => path[index] === word));
  const exact =
    found.find(({ path }) => path.length === words.length) ?? (found.length === 1 ? found[0] : undefined);
  if (exact !== undefined) {
    const others = found.filter((command) => command !== exact);
    const more = others.length === 0 ? [] : ["", paint("bold", "Commands"), ...list(others)];
    return [commandHelp(exact, paint), ...more].join("\n");
  }
  return found.length === 0 || words.length === 0
    ? overview(commands, paint)
    : groupHelp(found, words.join(" "), paint);
}

function overview(commands: readonly Command[], paint: Paint): string {
  return [
    "Reelsync: rendered video into S3 and its records into Convex, in agreement.",
    "",
    `${paint("bold", "Usage")}  reelsync <command> [options]`,
    "",
    paint("bold", "Commands"),
    ...list(commands),
    "",
    paint("bold", "Options of every command"),
    ...optionLines(GLOBAL_OPTIONS),
    "  --version          Show the version, given alone",
    "",
    paint("bold", "Exit codes"),
    ...indented(
      Object.entries(EXIT).map(([name, code]) => [
        String(code).padStart(3),
        EXIT_MEANINGS[name as keyof typeof EXIT],
      ]),
    ),
    "",
    "reelsync <command> --help shows options and examples. Variables are listed in .env.example;",
    "reelsync doctor says which are missing or wrong.",
  ].join("\n");
}

function groupHelp(commands: readonly Command[], group: string, paint: Paint): string {
  return [
    `${paint("bold", "Usage")}  reelsync ${group} <command> [options]`,
    "",
    paint("bold", "Commands"),
    ...list(commands),
  ].join("\n");
}

function commandHelp(command: Command, paint: Paint): string {
  const args = Object.entries(command.args);
  const options = Object.entries(command.options);
  const usage = [
    "reelsync",
    nameOf(command),
    ...args.map(([name, argument]) => argumentUsage(name, argument)),
    ...options.filter(([, option]) => isRequired(option)).map(([name, option]) => optionUsage(name, option)),
    ...(command.oneOf ?? []).map((names) => `(${choiceUsage(names, command.options)})`),
    ...(options.some(([, option]) => !isRequired(option)) ? ["[options]"] : []),
  ];
  return [
    `${command.summary}.`,
    "",
    `${paint("bold", "Usage")}  ${usage.join(" ")}`,
    ...(command.details === undefined ? [] : ["", ...wrapped(command.details)]),
    ...(args.length === 0 ? [] : ["", paint("bold", "Arguments"), ...indented(args.map(argumentLine))]),
    ...(options.length === 0 ? [] : ["", paint("bold", "Options"), ...optionLines(command.options)]),
    "",
    paint("bold", "Options of every command"),
    ...optionLines(GLOBAL_OPTIONS),
    "",
    paint("bold", "Examples"),
    ...command.examples.flatMap(({ does, line }) => [`  ${paint("dim", `# ${does}`)}`, `  ${line}`]),
  ].join("\n");
}

function list(commands: readonly Command[]): string[] {
  return indented(commands.map((command) => [nameOf(command), command.summary]));
}

function isRequired(option: Option): boolean {
  return option.kind !== "flag" && option.required === true;
}

function argumentUsage(name: string, { takes, placeholder = name }: Argument): string {
  if (takes === "many") return `<${placeholder}>...`;
  if (takes === "any") return `[${placeholder}]...`;
  return takes === "optional" ? `[${placeholder}]` : `<${placeholder}>`;
}

function argumentLine([name, argument]: [string, Argument]): string[] {
  return [argument.placeholder ?? name, withChoices(argument.summary, argument.choices)];
}

function optionUsage(name: string, option: Option): string {
  return option.kind === "flag" ? `--${name}` : `--${name} ${option.placeholder ?? valueName(option)}`;
}

function choiceUsage(names: readonly string[], options: Options): string {
  return names
    .flatMap((name) => (options[name] === undefined ? [] : [optionUsage(name, options[name])]))
    .join(" | ");
}

function valueName({ kind }: Option): string {
  return kind === "count" ? "N" : "TEXT";
}

function optionLines(options: Options): string[] {
  return indented(
    Object.entries(options).map(([name, option]) => [
      optionUsage(name, option),
      withChoices(option.summary, option.choices) +
        (isRequired(option) ? " (required)" : "") +
        (option.kind === "text" && option.many ? " (may be repeated)" : ""),
    ]),
  );
}

function withChoices(summary: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? summary : `${summary}: ${choices.join(", ")}`;
}

function indented(rows: readonly (readonly string[])[]): string[] {
  return columns(rows).map((line) => `  ${line}`);
}

const HELP_WIDTH = 100;

function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + word.length >= HELP_WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
