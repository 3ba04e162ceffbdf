import { describe, expect, test } from "vitest";
import { commandFor, SHORTCUTS, type KeyPress } from "../../web/src/player/hotkeys.ts";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});

test("every key of the help sheet does what the sheet says", () => {
  for (const { keys, command } of SHORTCUTS) {
    for (const key of keys) expect(commandFor(press(key), "other")).toEqual(command);
  }
});

test("no key is on the sheet twice", () => {
  const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys);
  expect(new Set(keys).size).toBe(keys.length);
});

test("digits go to tenths of the reel", () => {
  expect(commandFor(press("0"), "other")).toEqual({ kind: "seek-to-share", share: 0 });
  expect(commandFor(press("7"), "other")).toEqual({ kind: "seek-to-share", share: 0.7 });
});

test("caps lock changes nothing", () => {
  expect(commandFor(press("K"), "other")).toEqual({ kind: "toggle-play" });
});

describe("keys belong to somebody else", () => {
  test("while typing", () => {
    for (const key of ["k", " ", "?", "5"]) expect(commandFor(press(key), "text")).toBeUndefined();
  });

  test("with a modifier: that is the browser's", () => {
    expect(commandFor(press("f", { ctrlKey: true }), "other")).toBeUndefined();
    expect(commandFor(press("l", { metaKey: true }), "other")).toBeUndefined();
    expect(commandFor(press("ArrowLeft", { altKey: true }), "other")).toBeUndefined();
  });

  test("on a focused button, which Space presses", () => {
    expect(commandFor(press(" "), "button")).toBeUndefined();
    expect(commandFor(press("k"), "button")).toEqual({ kind: "toggle-play" });
  });

  test("on a focused slider or tab list, which the arrows move", () => {
    expect(commandFor(press("ArrowRight"), "range")).toBeUndefined();
    expect(commandFor(press("Home"), "range")).toBeUndefined();
    expect(commandFor(press("m"), "range")).toEqual({ kind: "toggle-mute" });
  });
});
