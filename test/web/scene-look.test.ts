import { describe, expect, test } from "vitest";
import { mayStillUpload, sceneLook } from "../../web/src/sessions/scene-look.ts";
import { readyScene, scene } from "./support/timelines.ts";

describe("how a scene is drawn", () => {
  test("what can be watched looks ready, also while it is rendered again", () => {
    expect(sceneLook({ ...readyScene(0, "clip"), status: "rendering" }, "live")).toBe("ready");
  });

  test("a scene nobody works on any more is not drawn as one to wait for", () => {
    const planned = scene(0, { status: "planned" });
    expect(sceneLook(planned, "live")).toBe("planned");
    expect(sceneLook(planned, "ended")).toBe("never");
  });
});

test("a missing file is called missing only when it cannot come any more", () => {
  expect(mayStillUpload({ assetsStatus: "ready" }, "live")).toBe(true);
  expect(mayStillUpload({ assetsStatus: "uploading" }, "ended")).toBe(true);
  expect(mayStillUpload({ assetsStatus: "ready" }, "ended")).toBe(false);
});
