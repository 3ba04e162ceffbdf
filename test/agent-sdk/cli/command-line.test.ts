import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../../agent-sdk/src/cli/commands.ts";
import { nameOf } from "../../../agent-sdk/src/cli/command.ts";
import { completionScript, SHELLS } from "../../../agent-sdk/src/cli/completion.ts";
import { UsageError } from "../../../agent-sdk/src/cli/exit-code.ts";
import { help } from "../../../agent-sdk/src/cli/help.ts";
import { parse } from "../../../agent-sdk/src/cli/parse.ts";
import { runCli } from "./support/run-cli.ts";

const plain = (_colour: string, text: string) => text;
const words = (line: string) => line.split(" ").filter((word) => word !== "");

function refusal(line: string): string {
  try {
    parse(COMMANDS, words(line));
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return `${(error as UsageError).message} | ${(error as UsageError).hint}`;
  }
  throw new Error(`"${line}" was not refused`);
}

describe("[G7] a wrong command line is refused with the word at fault and what helps", () => {
  test.each([
    ["", "No command is given | reelsync --help lists them."],
    ["uplaod a.mp4", 'There is no command "uplaod" | Did you mean "reelsync upload"?'],
    ["session", '"session" needs one of create, end | reelsync session --help lists what there is.'],
    ["session creat", 'There is no command "session creat" | Did you mean "reelsync session create"?'],
    ["frobnicate", 'There is no command "frobnicate" | reelsync --help lists what there is.'],
    ["help nothing", 'There is no command "nothing" | reelsync --help lists what there is.'],
    ["upload a.mp4 --scene s", "--type is missing | reelsync upload --help shows how."],
    ["upload", "<file>, --type, --scene or --session are missing | reelsync upload --help shows how."],
    ["upload a.mp4 --type other", "--scene or --session is missing | reelsync upload --help shows how."],
    ["upload --scene s --type video_chunk", "<file> is missing | reelsync upload --help shows how."],
    [
      "upload a --scene s --type vidoe_chunk",
      /^--type is "vidoe_chunk", expected video_chunk, .* \| Did you mean video_chunk\?$/,
    ],
    ["upload a --scene s --tpye x", "There is no option --tpye | Did you mean --type?"],
    ["upload a --scene s --type other --chunk -1", /^Option '--chunk' argument is ambiguous/],
    [
      "upload a --scene s --type other --chunk 1.5",
      '--chunk is "1.5", expected a whole number from 0 | reelsync upload --help shows how.',
    ],
    [
      "upload a --scene s --scene t --type other",
      "--scene is given 2 times | reelsync upload --help shows how.",
    ],
    ["upload a --scene= --type other", "--scene is empty | reelsync upload --help shows how."],
    ["status a b", '"b" is one argument too many | reelsync status --help shows how.'],
    ["ls --limit 0", '--limit is "0", expected a whole number from 1 | reelsync ls --help shows how.'],
    [
      "ls --timeout soon",
      '--timeout is "soon", expected a whole number from 1 | reelsync ls --help shows how.',
    ],
    ["completion tcsh", /^shell is "tcsh", expected bash, zsh, fish/],
    ["--json", "No command is given | reelsync --help lists them."],
  ])("%s", (line, expected) => {
    if (typeof expected === "string") expect(refusal(line)).toBe(expected);
    else expect(refusal(line)).toMatch(expected);
  });
});

test("options of every command may stand before and after its name; -- ends options", () => {
  expect(parse(COMMANDS, words("--timeout 5 --json ls --limit=3"))).toMatchObject({
    kind: "command",
    command: { path: ["ls"] },
    input: { args: { sessionId: undefined }, options: { limit: 3 } },
    globals: { json: true, timeout: 5 },
  });
  expect(
    parse(COMMANDS, words("upload --scene s --type other --meta a=1 --meta b=2 -- --odd.txt -")),
  ).toMatchObject({
    input: { args: { file: ["--odd.txt", "-"] }, options: { meta: ["a=1", "b=2"], session: undefined } },
  });
});

test("help is found by every way of asking, also beside a mistake", () => {
  for (const line of [
    "upload --help",
    "help upload",
    "upload -h",
    "upload --nonsense --help",
    "--help upload",
  ]) {
    expect(parse(COMMANDS, words(line)), line).toEqual({ kind: "help", words: ["upload"] });
  }
  expect(parse(COMMANDS, ["--help"])).toEqual({ kind: "help", words: [] });
  expect(parse(COMMANDS, ["session", "--help"])).toEqual({ kind: "help", words: ["session"] });
  expect(parse(COMMANDS, ["--version"])).toEqual({ kind: "version" });
});

test("every command's help shows each of its options and arguments, and examples", () => {
  const overview = help(COMMANDS, [], plain);
  for (const command of COMMANDS) {
    expect(overview).toContain(`  ${nameOf(command)} `);
    const shown = help(COMMANDS, command.path, plain);
    expect(shown).toContain(`reelsync ${nameOf(command)}`);
    for (const name of Object.keys(command.options)) expect(shown).toContain(`  --${name} `);
    for (const { line } of command.examples) expect(shown).toContain(line);
  }
  expect(help(COMMANDS, ["dead-letters"], plain)).toContain("dead-letters discard");
});

test("the version is JSON where JSON is asked for", async () => {
  const [text, json] = await Promise.all([runCli(["--version"]), runCli(["--version", "--json"])]);
  expect(text.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(json.records).toEqual([{ version: text.stdout.trim() }]);
});

test("every example of help is a command line that is accepted", () => {
  const said = COMMANDS.flatMap(({ examples }) => examples.map(({ line }) => line));
  expect(said.length).toBeGreaterThan(COMMANDS.length);
  for (const line of said) {
    // What a shell would make of it, as far as words and quotes go.
    const command = /reelsync (.*?)(?:\)"?|(?= \||>))?$/.exec(line)?.[1]?.replace(/ \|.*| >.*/, "") ?? "";
    const split = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
    expect(parse(COMMANDS, split), line).toMatchObject({ kind: "command" });
  }
});

test.each(SHELLS)("the %s completion knows every command, option and choice", (shell) => {
  const script = completionScript(shell, COMMANDS);
  for (const command of COMMANDS) {
    expect(script).toContain(command.path.at(-1));
    for (const [name, option] of Object.entries(command.options)) {
      expect(script).toMatch(new RegExp(`(--|-l )${name}\\b`));
      for (const choice of option.choices ?? []) expect(script).toContain(choice);
    }
  }
});
