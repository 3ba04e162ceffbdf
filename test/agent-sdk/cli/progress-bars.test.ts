import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createLiveArea } from "../../../agent-sdk/src/cli/live-area.ts";
import { createProgressBars } from "../../../agent-sdk/src/cli/progress-bars.ts";
import type { Progress } from "../../../agent-sdk/src/progress.ts";
import { MIB } from "../../../contract/limits.ts";

const plain = (_colour: string, text: string) => text;

/** Interprets what is written to it as a terminal does, as far as the bars need. */
function fakeTerminal(columns = 120, isTTY = true) {
  let lines: string[] = [];
  const written: string[] = [];
  return {
    terminal: {
      isTTY,
      columns,
      write(text: string) {
        written.push(text);
        const up = /^\x1b\[(\d+)F\x1b\[0J$/.exec(text)?.[1];
        if (up !== undefined) lines = lines.slice(0, -Number(up));
        else lines.push(...stripVTControlCharacters(text).replace(/\n$/, "").split("\n"));
      },
    },
    screen: () => lines,
    written,
  };
}

function uploading(over: Partial<Progress>): Progress {
  return { phase: "uploading", loaded: 0, total: 0, bytesPerSecond: 0, attempt: 1, ...over };
}

test("a file's bar shows share, bytes, speed, time left, phase and repeated attempts", () => {
  const { terminal, screen } = fakeTerminal();
  const bars = createProgressBars(createLiveArea(terminal, "xterm"), plain, () => 0);
  const file = bars.track("intro.mp4", 0);
  file.report(
    uploading({ loaded: 30 * MIB, total: 40 * MIB, bytesPerSecond: 10 * MIB, etaMs: 61_000, attempt: 2 }),
  );
  expect(screen()).toEqual([
    "intro.mp4  ██████████████████░░░░░░   75 %  30.0 MiB of 40.0 MiB  10.0 MiB/s  1:01 left  uploading (attempt 2)",
  ]);
  file.report(uploading({ phase: "verifying", loaded: 40 * MIB, total: 40 * MIB }));
  expect(screen()).toHaveLength(1);
  expect(screen()[0]).toMatch(/100 % .* verifying$/);
  bars.close();
  expect(screen()).toEqual([]);
});

test("several files have a line for all of them, which counts what failed as over", () => {
  const { terminal, screen } = fakeTerminal();
  let now = 0;
  const bars = createProgressBars(createLiveArea(terminal, "xterm"), plain, () => now);
  const [one, two, three] = ["one", "two", "three"].map((name) => bars.track(name, 10 * MIB));
  one?.report(uploading({ total: 10 * MIB }));
  two?.end();
  now = 1000;
  one?.report(uploading({ loaded: 5 * MIB, total: 10 * MIB, bytesPerSecond: 5 * MIB }));
  expect(screen().map((line) => line.slice(0, 12).trim())).toEqual(["one", "1 of 3 files"]);
  expect(screen()[1]).toContain("15.0 MiB of 30.0 MiB");
  three?.report(uploading({ phase: "hashing", loaded: MIB, total: 10 * MIB }));
  expect(screen()).toHaveLength(3);
  // Hashing sends nothing yet.
  expect(screen()[2]).toContain("15.0 MiB of 30.0 MiB");
});

test("it is drawn ten times a second at most, but every phase at once", () => {
  const { terminal, written } = fakeTerminal();
  let now = 0;
  const bars = createProgressBars(createLiveArea(terminal, "xterm"), plain, () => now);
  const file = bars.track("a", 1000);
  for (let loaded = 0; loaded < 1000; loaded++, now += 1) file.report(uploading({ loaded, total: 1000 }));
  const drawn = written.filter((text) => text.startsWith("a ")).length;
  expect(drawn).toBeGreaterThanOrEqual(9);
  expect(drawn).toBeLessThanOrEqual(11);
  file.report(uploading({ phase: "verifying", loaded: 1000, total: 1000 }));
  expect(written.at(-1)).toContain("verifying");
});

test("lines are cut to the terminal's width, so that none wraps", () => {
  const { terminal, screen } = fakeTerminal(40);
  const bars = createProgressBars(createLiveArea(terminal, "xterm"), plain, () => 0);
  bars.track("a-name-that-is-much-longer-than-the-terminal-is-wide.mp4", 1).report(uploading({ total: 100 }));
  expect(screen()[0]).toHaveLength(39);
  expect(screen()[0]).toContain("…");
});

test.each([
  ["a pipe", false, "xterm"],
  ["a dumb terminal", true, "dumb"],
])("nothing is drawn on %s", (_where, isTTY, term) => {
  const { terminal, written } = fakeTerminal(80, isTTY);
  const bars = createProgressBars(createLiveArea(terminal, term), plain, () => 0);
  bars.track("a", 1).report(uploading({ total: 100 }));
  bars.close();
  expect(written).toEqual([]);
});

test("more lines than the terminal has are counted instead of drawn", () => {
  const { terminal, screen } = fakeTerminal();
  const area = createLiveArea({ ...terminal, rows: 5 }, "xterm");
  area.draw(Array.from({ length: 10 }, (_, index) => `line ${index}`));
  expect(screen()).toEqual(["line 0", "line 1", "line 2", "… and 7 more"]);
  area.draw([]);
  expect(screen()).toEqual([]);
});

test("a terminal that does not know its size is taken for a usual one", () => {
  const { terminal, screen } = fakeTerminal(0);
  createLiveArea({ ...terminal, rows: 0 }, "xterm").draw(["a bar"]);
  expect(screen()).toEqual(["a bar"]);
});

test("what is written beside the bars stays above them", () => {
  const { terminal, screen } = fakeTerminal();
  const area = createLiveArea(terminal, "xterm");
  area.draw(["bar"]);
  area.beside(() => terminal.write("a warning\n"));
  expect(screen()).toEqual(["a warning", "bar"]);
});

test("a file name cannot move the cursor", () => {
  const { terminal, written } = fakeTerminal();
  const bars = createProgressBars(createLiveArea(terminal, "xterm"), plain, () => 0);
  bars.track("evil\x1b[2J\n.mp4", 1).report(uploading({ total: 100 }));
  expect(written.join("")).not.toContain("\x1b[2J");
  expect(written.join("").split("\n")).toHaveLength(2);
});
