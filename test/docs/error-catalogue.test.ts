import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UsageError } from "../../agent-sdk/src/cli/exit-code.ts";
import { describe } from "../../agent-sdk/src/cli/output.ts";
import { toldError } from "../../agent-sdk/src/serve/told-error.ts";
import {
  becomesDeadLetter,
  healthVerdict,
  ReelsyncError,
  waitsForService,
} from "../../agent-sdk/src/errors.ts";
import { ERRORS, type ErrorCode } from "../../contract/error-code.ts";
import { PROJECT_DIR } from "../../demo/push.ts";

const CATEGORIES = [
  ...[
    "network",
    "auth",
    "quota",
    "format",
    "Convex down",
    "schema",
    "conflict",
    "rate limit",
    "configuration",
  ],
  "–",
];

test("the error catalogue has every code once, with a cause, the fix of the contract, and what the SDK does with it", async () => {
  const catalogue = await readFile(join(PROJECT_DIR, "agent-sdk/ERRORS.md"), "utf8");
  const rows = catalogue
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  expect(rows.map(([, code]) => code)).toEqual(Object.keys(ERRORS).map((code) => `\`${code}\``));
  for (const [, quoted = "", category = "", cause = "", ...rest] of rows) {
    const code = quoted.slice(1, -1) as ErrorCode;
    const error = new ReelsyncError(code, "Something happened");
    expect(
      category.split(", ").filter((name) => !CATEGORIES.includes(name)),
      code,
    ).toEqual([]);
    expect(cause, code).toMatch(/^[A-Z`f].{15,}\.$/);
    expect(rest.slice(0, 5), code).toEqual([
      ERRORS[code].fix,
      ERRORS[code].disposition,
      waitsForService(error) ? "yes" : "no",
      becomesDeadLetter(error, true) ? "yes" : "no",
      healthVerdict(error) === "failed" ? "counts" : "no",
    ]);
  }
});

test("what only the command line and the sidecar say has a cause and a fix too", async () => {
  const catalogue = await readFile(join(PROJECT_DIR, "agent-sdk/ERRORS.md"), "utf8");
  for (const error of [describe(new UsageError("fact", "fix")), describe(new Error("fact")), toldError(0)]) {
    expect(catalogue).toContain(`- \`${error.code}\` (`);
    expect(error.hint).toMatch(/./);
  }
});

test("every category has a code", async () => {
  const catalogue = await readFile(join(PROJECT_DIR, "agent-sdk/ERRORS.md"), "utf8");
  for (const category of CATEGORIES) expect(catalogue).toMatch(new RegExp(`\\| +(\\S.*, )?${category}[ ,|]`));
});
