import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../../../agent-sdk/src/cli/commands.ts";
import { nameOf } from "../../../../agent-sdk/src/cli/command.ts";
import { EXIT, EXIT_MEANINGS } from "../../../../agent-sdk/src/cli/exit-code.ts";
import { PROJECT_DIR } from "../../../../demo/push.ts";
import type { Workshop } from "../support/workshop.ts";

const document = () => readFile(join(PROJECT_DIR, "agent-sdk/CLI.md"), "utf8");

export function describeDocument(workshop: Workshop) {
  describe("CLI.md", () => {
    test("every block runs as it is printed, in order, and stops at nothing", async () => {
      const blocks = [...(await document()).matchAll(/```sh\n([\s\S]*?)```/g)].map(
        ([, block]) => block ?? "",
      );
      expect(blocks.length).toBeGreaterThan(5);
      const cwd = await mkdtemp(join(workshop.directory, "document-"));
      for (const name of ["intro.mp4", "part-1.mp4", "part-2.mp4"]) {
        await writeFile(join(cwd, name), randomBytes(5000));
      }
      const { url, adminKey } = workshop.stack.local.deployment;
      const run = await workshop.shell(["set -euo pipefail", ...blocks, "echo all blocks ran"].join("\n"), {
        cwd,
        env: {
          ...(await workshop.personEnv("ada")),
          CONVEX_SELF_HOSTED_URL: url,
          CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
        },
      });
      expect(run.stdout + run.stderr).toContain("all blocks ran");
      expect(run.code).toBe(0);
      expect(run.stdout).toContain("My reel  live  1 of 1 scene ready");
      expect(run.stdout).toContain("part-2.mp4");
      expect(run.stderr).not.toContain("error");
      // The program is started some fifty times.
    }, 400_000);

    test("names every command, and every exit code with its meaning", async () => {
      const text = await document();
      for (const command of COMMANDS) expect(text).toContain(`| \`${nameOf(command)}`);
      const documented = [...text.matchAll(/^\| (\d+) +\| (.+?) +\|$/gm)].map(([, code, meaning]) => [
        Number(code),
        meaning,
      ]);
      expect(documented).toEqual(
        Object.entries(EXIT).map(([name, code]) => [code, EXIT_MEANINGS[name as keyof typeof EXIT]]),
      );
    });
  });
}
