/** `reelsync completion`: scripts for shells, made from the table of commands. */
import { defineCommand, type Command } from "../command.ts";
import { completionScript, SHELLS } from "../completion.ts";
import { EXIT } from "../exit-code.ts";

export function completionFor(commands: () => readonly Command[]): Command {
  return defineCommand({
    path: ["completion"],
    summary: "Print a script that completes commands, options and their values in a shell",
    args: { shell: { choices: SHELLS, summary: "The shell" } },
    options: {},
    examples: [
      { does: "bash, now", line: "source <(reelsync completion bash)" },
      { does: "zsh, for good", line: 'reelsync completion zsh > "${fpath[1]}/_reelsync"' },
      { does: "fish, for good", line: "reelsync completion fish > ~/.config/fish/completions/reelsync.fish" },
    ],
    async run({ args: { shell } }, { output }) {
      const script = completionScript(shell, commands());
      output.give({ shell, script }, script);
      return EXIT.ok;
    },
  });
}
