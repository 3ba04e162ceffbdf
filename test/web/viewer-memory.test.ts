import { expect, test } from "vitest";
import { recall, remember } from "../../web/src/player/viewer-memory.ts";

function memoryStore(initial?: string) {
  let text: string | null = initial ?? null;
  return { getItem: () => text, setItem: (_key: string, value: string) => void (text = value) };
}
const settings = { volume: 0.4, muted: false, rate: 1.5, captions: true };

test("a session is found as it was left", () => {
  const store = memoryStore();
  remember(store, "one", { ...settings, place: { sceneId: "s2", offset: 7.5 } });
  expect(recall(store, "one")).toMatchObject({ ...settings, place: { sceneId: "s2", offset: 7.5 } });
});

test("a session not seen before takes over volume, speed and captions, but no place", () => {
  const store = memoryStore();
  remember(store, "one", { ...settings, place: { sceneId: "s2", offset: 7.5 } });
  expect(recall(store, "two")).toMatchObject(settings);
  expect(recall(store, "two").place).toBeUndefined();
});

test("sessions keep their own settings", () => {
  const store = memoryStore();
  remember(store, "one", settings);
  remember(store, "two", { ...settings, volume: 1 });
  expect(recall(store, "one").volume).toBe(0.4);
});

test("a store full of something else is a store without memories", () => {
  for (const text of ["{", "null", "[]", '{"last":1}', '"x"']) {
    expect(recall(memoryStore(text), "one")).toEqual({
      volume: 1,
      muted: false,
      rate: 1,
      captions: false,
      at: 0,
    });
  }
});

test("a store that refuses does not stop playing", () => {
  const full = {
    getItem: () => null,
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
  expect(() => remember(full, "one", settings)).not.toThrow();
});

test("does not grow without end", () => {
  const store = memoryStore();
  for (let i = 0; i < 200; i++) remember(store, `session ${i}`, settings);
  const { sessions } = JSON.parse(store.getItem() ?? "") as { sessions: object };
  expect(Object.keys(sessions)).toHaveLength(60);
});
