/**
 * The main job, end to end: a viewer has the session page open in Chromium while the demo agent renders and uploads. Everything is
 * real: the local stack, the official clients, the SDK, the built web app, the browser's own media elements.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createReelsync, type Reelsync } from "reelsync";
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
import { type ReelsyncStack, startReelsyncStack } from "../../demo/stack.ts";
import { startWebServer, type WebServer } from "../../demo/web-server.ts";
import { launchChromium } from "../support/browser.ts";
import {
  frameMarker,
  playerState,
  signIn,
  waitForScene,
  waitForSceneStatus,
} from "../support/player-page.ts";

let dataDir: string;
let stack: ReelsyncStack;
let web: WebServer;
let browser: Browser;
let reelsync: Reelsync;
let agent: DemoAgentOptions;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "reelsync-e2e-"));
  stack = await startReelsyncStack({ dataDir });
  web = await startWebServer(stack);
  browser = await launchChromium();
  reelsync = createReelsync({ env: stack.agentEnv, deadLetterDir: join(dataDir, "dead-letters") });
  const directory = join(dataDir, "renders");
  agent = { reelsync, renderer: await createRenderer(directory, 0), directory, sessionKey: "e2e" };
});

afterAll(async () => {
  await browser.close();
  await reelsync.close();
  await web.close();
  await stack.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function openAs(subject: "vera" | "ada", path: string): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await signIn(page, `${web.url}${path}`, subject);
  return { page, errors };
}

describe("a viewer watches while the reel is still being made", () => {
  let reel: StartedReel;
  let page: Page;
  let errors: string[];

  beforeAll(async () => {
    reel = await announceReel(agent);
    ({ page, errors } = await openAs("vera", `/sessions/${reel.sessionId}`));
  });

  test("[G4] shows every planned scene before anything is rendered, and waits without an error", async () => {
    for (const index of SCENES.keys()) await waitForSceneStatus(page, index, "planned");
    expect(await playerState(page)).toMatchObject({ error: null, sceneIndex: null });
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
    const scene = SCENES[0];
    if (scene === undefined) throw new Error("the demo has no scenes");
    const before = await playerState(page);
    await renderScene(agent, scene, reel.sceneIds.get(scene.sceneKey) ?? "", 2);
    await page.waitForSelector('[data-testid="scene-0"][data-version="2"]');
    const after = await playerState(page);
    expect(after.error).toBeNull();
    expect(after.sceneIndex).toBe(before.sceneIndex);
    expect(Math.abs(after.currentTime - before.currentTime)).toBeLessThan(30);

    await page.getByTestId("scene-0").click();
    await page.evaluate(() => document.querySelector<HTMLMediaElement>("reel-video")?.play());
    await waitForScene(page, 0);
    await expect
      .poll(() => frameMarker(page), { timeout: 10_000 })
      .toMatchObject({ sceneNumber: 1, take: 2 });
  });

  test("ends when the session has ended", async () => {
    await reelsync.endSession({ sessionId: reel.sessionId, outcome: "ended" });
    await page.getByTestId(`scene-${SCENES.length - 1}`).click();
    await page.evaluate(() => document.querySelector<HTMLMediaElement>("reel-video")?.play());
    await page.waitForSelector('reel-video[data-state="ended"]', { state: "attached", timeout: 20_000 });
    expect(errors).toEqual([]);
  });
});

describe("an admin", () => {
  test("[G5] sees drift in the console before anything is touched, and a viewer is not let in", async () => {
    const { page: viewer } = await openAs("vera", "/admin/reconcile");
    await viewer
      .getByText(/not allowed|only for admins|need.*admin/i)
      .first()
      .waitFor();

    const { page, errors } = await openAs("ada", "/admin/reconcile");
    await page
      .getByRole("button", { name: /start|run/i })
      .first()
      .click();
    await page
      .getByText(/no drift|in agreement/i)
      .first()
      .waitFor({ timeout: 30_000 });
    expect(errors).toEqual([]);
  });
});
