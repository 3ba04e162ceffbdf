/** Completion scripts: the table of commands, written in the words of each shell. They run nothing when they complete. */
import { GLOBAL_OPTIONS, nameOf, type Command, type Option } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      // zsh understands bash's way of completing, which is one script less to get wrong.
      return `#compdef reelsync\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case "fish":
      return fish(commands);
  }
}

function optionsOf(command: Command): [string, Option][] {
  return Object.entries({ ...command.options, ...GLOBAL_OPTIONS });
}

function firstWords(commands: readonly Command[]): string[] {
  return [...new Set(commands.map(({ path }) => path[0]))];
}

function secondWords(commands: readonly Command[], first: string): string[] {
  return commands.flatMap(({ path }) => (path[0] === first && path[1] !== undefined ? [path[1]] : []));
}

/** Commands that others begin with: `reconcile`, of which there is also `reconcile freeze`. */
function isAlsoGroup(commands: readonly Command[], { path }: Command): boolean {
  return path.length === 1 && secondWords(commands, path[0]).length > 0;
}

/** What an argument may be: choices, or files where nothing says otherwise. */
function argumentChoices({ args }: Command): { words: readonly string[]; files: boolean } {
  const all = Object.entries(args);
  return {
    words: all.flatMap(([, { choices = [] }]) => choices),
    files: all.some(([name]) => name === "file"),
  };
}

function takesFile(name: string): boolean {
  return name === "dotenv";
}

function bash(commands: readonly Command[]): string {
  const twoWords = commands.filter(({ path }) => path.length === 2).map((command) => `"${nameOf(command)}"`);
  const groups = firstWords(commands).filter(
    (word) =>
      secondWords(commands, word).length > 0 &&
      !commands.some(({ path }) => path.length === 1 && path[0] === word),
  );
  const lines = [
    "_reelsync() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
    '  local command="${COMP_WORDS[1]-}"',
    `  case "$command \${COMP_WORDS[2]-}" in ${twoWords.join("|")}) (( COMP_CWORD > 2 )) && command="$command \${COMP_WORDS[2]}" ;; esac`,
    "  if (( COMP_CWORD == 1 )); then",
    `    COMPREPLY=($(compgen -W "${[...firstWords(commands), "help", "--help", "--version"].join(" ")}" -- "$current")); return`,
    "  fi",
    '  case "$command" in',
    ...groups.map(
      (group) =>
        `    ${group}) COMPREPLY=($(compgen -W "${secondWords(commands, group).join(" ")}" -- "$current")); return ;;`,
    ),
    ...commands.flatMap((command) => bashCase(command, commands)),
    "  esac",
    "}",
    "complete -o default -F _reelsync reelsync",
  ];
  return lines.join("\n");
}

function bashCase(command: Command, commands: readonly Command[]): string[] {
  const options = optionsOf(command);
  const reply = (words: readonly string[]) => `COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$current"))`;
  const values = options
    .filter(([, { kind }]) => kind !== "flag")
    .map(([name, option]) => {
      const how = takesFile(name) ? 'COMPREPLY=($(compgen -f -- "$current"))' : reply(option.choices ?? []);
      return `        --${name}) ${how}; return ;;`;
    });
  const { words, files } = argumentChoices(command);
  const next = isAlsoGroup(commands, command) ? secondWords(commands, command.path[0]) : [];
  const rest = files ? 'COMPREPLY=($(compgen -f -- "$current"))' : reply([...next, ...words]);
  return [
    `    "${nameOf(command)}")`,
    '      case "$previous" in',
    ...values,
    "      esac",
    `      if [[ $current == -* ]]; then ${reply(options.map(([name]) => `--${name}`))}; else ${rest}; fi ;;`,
  ];
}

function fish(commands: readonly Command[]): string {
  const lines = [
    "function __reelsync_is",
    "    set -l words (commandline -opc)[2..-1]",
    '    test "$words[1..(count $argv)]" = "$argv"',
    "end",
    "complete -c reelsync -f",
  ];
  const none = `"test (count (commandline -opc)) -eq 1"`;
  for (const word of firstWords(commands)) {
    const [only] = commands.filter(({ path }) => path[0] === word);
    const second = secondWords(commands, word);
    const summary = second.length > 0 ? second.join(", ") : (only?.summary ?? "");
    lines.push(`complete -c reelsync -n ${none} -a ${word} -d ${quoted(summary)}`);
    for (const next of second) {
      const command = commands.find(({ path }) => path[0] === word && path[1] === next);
      const when = quoted(`__reelsync_is ${word}; and test (count (commandline -opc)) -eq 2`);
      lines.push(`complete -c reelsync -n ${when} -a ${next} -d ${quoted(command?.summary ?? "")}`);
    }
  }
  for (const command of commands) lines.push(...fishLines(command, commands));
  return lines.join("\n");
}

function fishLines(command: Command, commands: readonly Command[]): string[] {
  const longer = isAlsoGroup(commands, command) ? secondWords(commands, command.path[0]) : [];
  const not = longer.map((word) => `; and not __reelsync_is ${nameOf(command)} ${word}`).join("");
  const when = quoted(`__reelsync_is ${nameOf(command)}${not}`);
  const { words, files } = argumentChoices(command);
  return [
    ...(files ? [`complete -c reelsync -n ${when} -F`] : []),
    ...(words.length > 0 ? [`complete -c reelsync -n ${when} -a ${quoted(words.join(" "))}`] : []),
    ...optionsOf(command).map(([name, option]) => {
      const value =
        option.kind === "flag"
          ? ""
          : takesFile(name)
            ? " -r -F"
            : ` -x -a ${quoted((option.choices ?? []).join(" "))}`;
      return `complete -c reelsync -n ${when} -l ${name}${value} -d ${quoted(option.summary)}`;
    }),
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
