/**
 * The main job, end to end: a viewer has the session page open in Chromium while the demo agent renders and uploads. Everything is
 * real: the local stack, the official clients, the SDK, the built web app, the browser's own media elements.
 */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  announceReel,
  type DemoAgentOptions,
  renderReel,
  renderScene,
  type StartedReel,
} from "../../demo/agent.ts";
import { createRenderer } from "../../demo/render.ts";
import { SCENES } from "../../demo/scenes.ts";
import { frameMarker, playerState, waitForScene, waitForSceneStatus } from "../support/player-page.ts";
import { type RunningProduct, startProduct } from "../support/running-product.ts";

let product: RunningProduct;
let agent: DemoAgentOptions;

beforeAll(async () => {
  product = await startProduct();
  const directory = join(product.dataDir, "renders");
  const renderer = await createRenderer(directory, 0);
  agent = { reelsync: product.reelsync, renderer, directory, sessionKey: "e2e" };
});

afterAll(() => product.close());

describe("a viewer watches while the reel is still being made", () => {
  let reel: StartedReel;
  let page: Page;
  let errors: string[];

  beforeAll(async () => {
    reel = await announceReel(agent);
    ({ page, errors } = await product.openAs("vera", `/sessions/${reel.sessionId}`));
  });

  test("[G4] shows every planned scene before anything is rendered, and waits without an error", async () => {
    for (const index of SCENES.keys()) await waitForSceneStatus(page, index, "planned");
    expect(await playerState(page)).toMatchObject({ error: null, state: "waiting" });
  });

  test("[G4] shows each committed scene without a reload, and plays across every joint by itself", async () => {
    const loadedAt = await page.evaluate(() => performance.timeOrigin);
    const rendering = renderReel(agent, reel);

    await waitForSceneStatus(page, 0, "ready");
    await page.evaluate(() => document.querySelector<HTMLMediaElement>("reel-video")?.play());

    let previousTime = -1;
    for (const index of SCENES.keys()) {
      await waitForSceneStatus(page, index, "ready");
      await waitForScene(page, index);
      const state = await playerState(page);
      expect(state.error).toBeNull();
      expect(state.currentTime).toBeGreaterThan(previousTime);
      previousTime = state.currentTime;
      // The frame on screen is this scene's: its number is drawn into every frame.
      expect(await frameMarker(page)).toMatchObject({ sceneNumber: index + 1, take: 1 });
    }
    await rendering;
    expect(await page.evaluate(() => performance.timeOrigin)).toBe(loadedAt);
    expect(errors).toEqual([]);
  });

  test("[G4] swaps a re-rendered scene in without losing the viewer's place", async () => {
    await page.getByTestId("scene-2").click();
    await waitForScene(page, 2);
    await page.evaluate(() => document.querySelector<HTMLMediaElement>("reel-video")?.pause());
    const before = await playerState(page);

    const scene = SCENES[0];
    if (scene === undefined) throw new Error("the demo has no scenes");
    await renderScene(agent, scene, reel.sceneIds.get(scene.sceneKey) ?? "", 2);
    await page.waitForSelector('[data-testid="scene-0"][data-version="2"]');
    const after = await playerState(page);
    expect(after).toMatchObject({ error: null, sceneIndex: 2 });
    expect(after.currentTime).toBeCloseTo(before.currentTime, 1);
    expect(await frameMarker(page)).toMatchObject({ sceneNumber: 3, take: 1 });

    await page.getByTestId("scene-0").click();
    await page.evaluate(() => document.querySelector<HTMLMediaElement>("reel-video")?.play());
    await waitForScene(page, 0);
    expect(await frameMarker(page)).toMatchObject({ sceneNumber: 1, take: 2 });
  });

  test("ends when the session has ended", async () => {
    await product.reelsync.endSession({ sessionId: reel.sessionId, outcome: "ended" });
    await page.getByTestId(`scene-${SCENES.length - 1}`).click();
    await page.evaluate(() => document.querySelector<HTMLMediaElement>("reel-video")?.play());
    await page.waitForSelector('reel-video[data-state="ended"]', { state: "attached", timeout: 20_000 });
    expect(errors).toEqual([]);
  });
});
