import { describe, expect, test } from "vitest";
import { holdBack } from "../../web/src/player/scene-updates.ts";
import { chunk, readyScene, scene } from "./support/timelines.ts";

const first = [readyScene(0, "a1"), readyScene(1, "b1")];
const rerendered = [first[0]!, readyScene(1, "b2", { version: 2 })];

describe("a re-rendered scene", () => {
  test("[G4] takes its place at once where nobody is watching", () => {
    const { scenes, updates } = holdBack(first, rerendered, "s0");
    expect(scenes[1]!.chunks[0]!.assetId).toBe("b2");
    expect(updates).toEqual([{ sceneId: "s1", version: 2, held: false }]);
  });

  test("is held back from whoever is watching it, and offered", () => {
    const { scenes, updates } = holdBack(first, rerendered, "s1");
    expect(scenes[1]!.chunks[0]!.assetId).toBe("b1");
    expect(updates).toEqual([{ sceneId: "s1", version: 2, held: true }]);
  });

  test("takes its place once the viewer has left the scene", () => {
    const held = holdBack(first, rerendered, "s1");
    expect(holdBack(held.scenes, rerendered, "s0").scenes[1]!.chunks[0]!.assetId).toBe("b2");
  });

  test("keeps the captions that were timed for what is being watched", () => {
    const withCaptions = [{ ...first[0]!, subtitle: chunk("captions-1") }, first[1]!];
    const latest = [{ ...readyScene(0, "a2", { version: 2 }), subtitle: chunk("captions-2") }, first[1]!];
    expect(holdBack(withCaptions, latest, "s0").scenes[0]!.subtitle?.assetId).toBe("captions-1");
    expect(holdBack(withCaptions, latest, "s1").scenes[0]!.subtitle?.assetId).toBe("captions-2");
  });

  test("lets the title of a held scene change", () => {
    const latest = [{ ...readyScene(0, "a2", { version: 2 }), title: "A better title" }, first[1]!];
    expect(holdBack(first, latest, "s0").scenes[0]).toMatchObject({
      title: "A better title",
      chunks: [{ assetId: "a1" }],
    });
  });
});

describe("what is merely new", () => {
  test("a further chunk of the scene being watched is no re-render", () => {
    const more = [scene(0, { chunks: [chunk("a1"), chunk("a2", { chunkIndex: 1 })] }), first[1]!];
    const { scenes, updates } = holdBack(first, more, "s0");
    expect(scenes[0]!.chunks).toHaveLength(2);
    expect(updates).toEqual([]);
  });

  test("a scene that arrives is no re-render", () => {
    expect(holdBack(first, [...first, readyScene(2)], "s0").updates).toEqual([]);
  });
});
