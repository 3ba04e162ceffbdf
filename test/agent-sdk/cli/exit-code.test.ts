import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  commonExitCode,
  EXIT,
  EXIT_MEANINGS,
  exitCodeOf,
  UsageError,
} from "../../../agent-sdk/src/cli/exit-code.ts";
import { ReelsyncError } from "../../../agent-sdk/src/errors.ts";
import { PROJECT_DIR } from "../../../demo/push.ts";
import { ERRORS, type ErrorCode } from "../../../contract/error-code.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];

test("every error code of the contract ends with a documented exit code other than 0", () => {
  const documented = new Set<number>(Object.values(EXIT));
  for (const code of CODES) {
    const exit = exitCodeOf(new ReelsyncError(code, "fact"));
    expect(documented, code).toContain(exit);
    expect(exit, code).not.toBe(EXIT.ok);
  }
  expect(Object.keys(EXIT_MEANINGS)).toEqual(Object.keys(EXIT));
});

test("CLI.md has every error code at the exit code it ends with, and every exit code with its meaning", async () => {
  const page = await readFile(join(PROJECT_DIR, "agent-sdk/CLI.md"), "utf8");
  const [, section = ""] = page.split("## Exit codes");
  const told = new Map<string, number>();
  for (const [, exit, codes = ""] of section.matchAll(/^- (\d+): ([^]*?)(?=\n- |\n*$(?![^]))/gm)) {
    for (const [, code = ""] of codes.matchAll(/`([A-Z0-9_]+)`/g)) told.set(code, Number(exit));
  }
  const real = CODES.map((code) => [code, exitCodeOf(new ReelsyncError(code, "fact"))] as const);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(real));
  for (const [name, exit] of Object.entries(EXIT)) {
    const meaning = EXIT_MEANINGS[name as keyof typeof EXIT];
    expect(section).toMatch(new RegExp(`^\\| ${exit} +\\| ${meaning.replace(/[()]/g, "\\$&")} +\\|$`, "m"));
  }
});

test("what may work later exits 5, or says that the token or the state is in the way; what never will does not exit 5", () => {
  const later = CODES.filter((code) => ERRORS[code].disposition === "retry");
  const exits = Object.fromEntries(later.map((code) => [code, exitCodeOf(new ReelsyncError(code, "fact"))]));
  expect(exits).toEqual({
    TOKEN_EXPIRED: EXIT.auth,
    CONFLICT: EXIT.conflict,
    ...Object.fromEntries(
      later
        .filter((code) => code !== "TOKEN_EXPIRED" && code !== "CONFLICT")
        .map((code) => [code, EXIT.temporary]),
    ),
  });
  for (const code of CODES.filter((one) => ERRORS[one].disposition === "stop")) {
    expect(exitCodeOf(new ReelsyncError(code, "fact")), code).not.toBe(EXIT.temporary);
  }
});

test("anything else is 1, a wrong command line 2", () => {
  expect(exitCodeOf(new Error("no code"))).toBe(1);
  expect(exitCodeOf(Object.assign(new Error("newer"), { name: "ReelsyncError", code: "OF_TOMORROW" }))).toBe(
    1,
  );
  expect(exitCodeOf(new UsageError("wrong", "fix"))).toBe(2);
});

test("several outcomes share one number only if they are alike", () => {
  expect(commonExitCode([])).toBe(0);
  expect(commonExitCode([0, 0])).toBe(0);
  expect(commonExitCode([0, 3, 3])).toBe(3);
  expect(commonExitCode([0, 3, 5])).toBe(1);
  expect(commonExitCode([3, 130])).toBe(130);
});
