/** `<reel-video>` in a real Chromium, on the clips committed for the demo. Skipped where there is no Chromium. */
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { TimelineScene } from "../../contract/playback.ts";
import { clipPath } from "../../demo/media/clips.ts";
import { MARKER, readMarker } from "../../demo/marker.ts";
import { FRAME } from "../../demo/scenes.ts";
import { chromiumPath, launchChromium } from "../support/browser.ts";
import { startHarnessServer } from "./support/harness-server.ts";
import type { FrameSeen } from "./support/player-harness.ts";
import { startMediaServer, type MediaServer } from "./support/media-server.ts";
import { readyScene, scene } from "./support/timelines.ts";

const clip = (sceneKey: string, take = 1) => path.basename(clipPath(sceneKey, 0, take), ".mp4");
const opening = readyScene(0, clip("01-opening"), { durationMs: 3000 });
const openingAgain = readyScene(0, clip("01-opening", 2), { durationMs: 3000, version: 2 });
const rule = readyScene(1, clip("04-rule-110"), { durationMs: 3000 });
const triangle = readyScene(2, clip("06-sierpinski"), { durationMs: 3000 });
const closing = readyScene(3, clip("07-closing"), { durationMs: 2000 });

/** A frame of the clips lasts 40 ms. */
const FRAME_MS = 1000 / FRAME.fps;

const isHere = chromiumPath !== undefined;
const title = isHere ? "the reel in Chromium" : "the reel (skipped: no Chromium here, set CHROMIUM_PATH)";

describe.skipIf(!isHere)(title, { timeout: 60_000 }, () => {
  let browser: Browser;
  let harness: { url: string; close(): Promise<void> };
  let media: MediaServer;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    media = await startMediaServer(path.dirname(clipPath("01-opening", 0)));
    harness = await startHarnessServer();
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await harness.close();
    await media.close();
  });
  beforeEach(async () => {
    faults = [];
    media.refuse = () => undefined;
    media.hang = () => undefined;
    media.cut = () => undefined;
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(harness.url);
    await page.waitForFunction(() => "harness" in window);
    await page.evaluate((url) => window.harness.setMedia(url), media.url);
  });
  afterEach(async () => {
    await page.close();
    expect(faults).toEqual([]);
  });

  const show = (status: "live" | "ended", ...scenes: TimelineScene[]) =>
    page.evaluate((next) => window.harness.show(next.status, next.scenes), { status, scenes });
  const play = () => page.evaluate(() => window.harness.reel.play());
  const until = (
    condition: (wanted: { state?: string; item?: string; after?: number; version?: string }) => boolean,
    wanted = {},
  ) => page.waitForFunction(condition, wanted, { polling: 20 });
  const untilShows = (item: string, after = 0, version?: string) =>
    until(
      ({ item, after, version }) =>
        window.harness.reel.dataset["itemKey"] === item &&
        (version === undefined || window.harness.reel.dataset["version"] === version) &&
        window.harness.reel.state !== "waiting" &&
        !window.harness.reel.seeking &&
        window.harness.reel.sceneTime >= (after ?? 0),
      { item, after, ...(version === undefined ? {} : { version }) },
    );
  const untilState = (state: string) =>
    until(({ state }) => window.harness.reel.dataset["state"] === state, { state });
  const look = () =>
    page.evaluate(() => {
      const { reel } = window.harness;
      const data: Record<string, string | undefined> = { ...(reel.dataset as object) };
      return { ...data, time: reel.currentTime, paused: reel.paused, itemKey: data["itemKey"] };
    });
  /** What is really on the screen: the marker drawn into every frame. */
  const shown = async () => {
    const place = { ...MARKER, height: FRAME.height };
    const cells = await page.evaluate((marker) => window.harness.markerCells(marker), place);
    return readMarker((cell) => cells[cell] ?? 0);
  };

  test("starts at the first scene, paused, with its first frame on the screen", async () => {
    await show("live", opening, rule);
    await untilShows("s0/0");
    expect(await look()).toMatchObject({ time: 0, paused: true, state: "idle", sceneIndex: "0" });
    expect(await shown()).toMatchObject({ sceneNumber: 1, take: 1 });
  });

  test("hides what is loaded behind the picture, also beside one of another shape than the box", async () => {
    await show("ended", opening, rule);
    const grounds = await page.evaluate(() =>
      [...window.harness.reel.shadowRoot!.querySelectorAll("video")].map(
        (video) => getComputedStyle(video).backgroundColor,
      ),
    );
    expect(grounds).toEqual(["rgb(0, 0, 0)", "rgb(0, 0, 0)"]);
  });

  test("plays over every joint with the right frames, no error, and ends", async () => {
    await show("ended", opening, rule, triangle, closing);
    await untilShows("s0/0");
    await play();
    for (const [index, sceneNumber] of [1, 4, 6, 7].entries()) {
      await untilShows(`s${index}/0`, 0.5);
      expect(await shown()).toMatchObject({ sceneNumber });
    }
    await untilState("ended");
    const events = await page.evaluate(() => window.harness.events);
    const frames: FrameSeen[] = await page.evaluate(() => window.harness.frames);
    expect(events.filter((event) => event.startsWith("error"))).toEqual([]);
    expect(events.filter((event) => event.startsWith("waiting s"))).toEqual([]);
    expect(await look()).toMatchObject({ state: "ended", paused: true });

    const joints = frames.slice(1).flatMap((frame, i) => {
      const before = frames[i]!;
      return frame.item === before.item ? [] : [{ before, frame }];
    });
    expect(joints).toHaveLength(3);
    for (const { before, frame } of joints) {
      // The next scene's first frame waits decoded and is not presented again, so a perfect joint is two frames long.
      const frozenMs = frame.at - before.at - 2 * FRAME_MS;
      expect(frozenMs).toBeLessThan(250);
      expect(frame.mediaTime).toBeLessThan(0.3);
    }
  });

  test("waits kindly for a scene that is still rendering and goes on by itself when it is here", async () => {
    await show("live", opening, scene(1, { status: "rendering", plannedDurationMs: 3000 }), triangle);
    await untilShows("s0/0");
    await page.evaluate(() => (window.harness.reel.currentTime = 2));
    await play();
    await untilState("waiting");
    expect(await look()).toMatchObject({ itemKey: "s1/gap", paused: false });
    expect((await look()).time).toBeCloseTo(3, 1);
    await show("live", opening, rule, triangle);
    await untilShows("s1/0", 0.3);
    expect(await look()).toMatchObject({ state: "playing" });
    expect(await shown()).toMatchObject({ sceneNumber: 4 });
    await untilShows("s2/0", 0.2);
  });

  test("at the end of a live session waits for more, at the end of an ended one ends", async () => {
    await show("live", closing);
    await untilShows("s3/0");
    await play();
    await untilState("waiting");
    expect((await look()).itemKey).toBeUndefined();
    await show("live", closing, readyScene(4, clip("04-rule-110")));
    await untilShows("s4/0", 0.3);
    await page.evaluate(() => (window.harness.reel.currentTime = 99));
    await untilState("waiting");
    await show("ended", closing, readyScene(4, clip("04-rule-110")));
    await untilState("ended");
    await play();
    await untilShows("s3/0", 0.2);
  });

  test("does not continue by itself for somebody who paused while waiting", async () => {
    await show("live", scene(0, { status: "rendering" }));
    await untilState("waiting");
    await show("live", opening);
    await untilShows("s0/0");
    expect(await look()).toMatchObject({ state: "idle", paused: true, time: 0 });
  });

  test("keeps the viewer's place when a scene is rendered again, and takes the new one when asked", async () => {
    await show("live", opening, rule);
    await untilShows("s0/0");
    await play();
    await untilShows("s0/0", 0.8);
    await show("live", openingAgain, rule);
    await page.evaluate(() => window.harness.reel.pause());
    expect(await look()).toMatchObject({ version: "1", itemKey: "s0/0" });
    expect(await shown()).toMatchObject({ sceneNumber: 1, take: 1 });
    const before = (await look()).time;

    await page.evaluate(() => window.harness.reel.takeUpdate());
    await untilShows("s0/0", 0.5, "2");
    expect(await shown()).toMatchObject({ sceneNumber: 1, take: 2 });
    expect((await look()).time).toBeCloseTo(before, 1);
    expect(await page.evaluate(() => window.harness.events)).toContain("sceneupdate s0/0");
  });

  test("takes a newer version by itself where nobody is watching, also once the viewer has left", async () => {
    await show("live", opening, rule);
    await untilShows("s0/0");
    await play();
    await untilShows("s0/0", 0.6);
    await show("live", openingAgain, rule);
    await untilShows("s1/0", 0.2);
    await page.evaluate(() => window.harness.reel.seekToScene("s0"));
    await untilShows("s0/0", 0.1, "2");
    expect(await shown()).toMatchObject({ sceneNumber: 1, take: 2 });
  });

  test("seeks anywhere on the reel, forwards and back, and shows the frame of that place", async () => {
    await show("ended", opening, rule, triangle, closing);
    await untilShows("s0/0");
    for (const [time, item, sceneNumber] of [
      [7.5, "s2/0", 6],
      [1, "s0/0", 1],
      [9.5, "s3/0", 7],
      [4, "s1/0", 4],
    ] as const) {
      await page.evaluate((to) => (window.harness.reel.currentTime = to), time);
      await untilShows(item, 0.4);
      expect((await look()).time).toBeCloseTo(time, 1);
      await expect.poll(shown).toMatchObject({ sceneNumber });
    }
  });

  test("keeps volume, mute and speed over a joint", async () => {
    await show("ended", opening, rule);
    await untilShows("s0/0");
    await page.evaluate(() => {
      const { reel } = window.harness;
      reel.volume = 0.3;
      reel.muted = true;
      reel.playbackRate = 2;
      reel.currentTime = 2;
    });
    await play();
    await untilShows("s1/0", 0.2);
    const { volume, muted, playbackRate } = await page.evaluate(() => {
      const { volume, muted, playbackRate } = window.harness.reel.activeVideo;
      return { volume, muted, playbackRate };
    });
    expect({ volume, muted, playbackRate }).toEqual({ volume: 0.3, muted: true, playbackRate: 2 });
  });

  test("says which scenes are on this machine, before they are played", async () => {
    await show("live", opening, rule, triangle);
    await until(() => window.harness.reel.bufferedScenes.size === 0);
    await page.evaluate(() => {
      const { chunks, reel } = window.harness;
      const assets = reel.plan.slots.flatMap((slot) => (slot.kind === "chunk" ? [slot.asset] : []));
      chunks.want(assets);
    });
    await until(() => window.harness.reel.bufferedScenes.size === 3);
    expect(await page.evaluate(() => window.harness.reel.buffered.length)).toBe(1);
  });

  test("tries once more with a fresh URL when the first is refused, and the viewer never knows", async () => {
    media.refuse = (request) => (request.includes("signature=1") ? 403 : undefined);
    await show("live", opening);
    await untilShows("s0/0");
    expect(await shown()).toMatchObject({ sceneNumber: 1 });
    expect(await page.evaluate(() => window.harness.signatures())).toBe(2);
  });

  test("says why when that does not help either, asks no more, and recovers when told to", async () => {
    media.refuse = () => 403;
    await show("live", opening, rule);
    await untilState("error");
    const failure = await page.evaluate(() => ({
      code: window.harness.reel.error?.code,
      message: window.harness.reel.error?.message,
    }));
    expect(failure).toEqual({
      code: "ACCESS_REFUSED",
      message: "The video storage refused access to this scene.",
    });
    expect(await page.evaluate(() => window.harness.signatures())).toBe(2);

    media.refuse = () => undefined;
    await page.evaluate(() => window.harness.reel.retry());
    await untilShows("s0/0");
  });

  test("names what is wrong: a missing object, and a format the browser cannot play", async () => {
    media.refuse = () => 404;
    await show("live", opening);
    await untilState("error");
    expect(await page.evaluate(() => window.harness.reel.error?.code)).toBe("OBJECT_MISSING");
    media.refuse = () => undefined;
    await show("live", readyScene(0, "01-opening.jpg#", { version: 2 }));
    await until(() => window.harness.reel.error?.code === "FORMAT_UNSUPPORTED");
  });

  test("a renewed URL takes over in place, while playing, from an old one that hangs", async () => {
    const long = readyScene(0, clip("03-mandelbrot"), { durationMs: 5000 });
    media.hang = (request) => (request.includes("signature=1") ? 600_000 : undefined);
    await show("live", long);
    await untilShows("s0/0");
    await play();
    await untilShows("s0/0", 0.8);
    const before = await look();
    await page.evaluate((assetId) => {
      window.harness.chunks.invalidate(assetId);
      window.harness.reel.renewUrl(assetId);
    }, long.chunks[0]!.assetId);
    await until(() => window.harness.reel.activeVideo.src.includes("signature=2"));
    expect((await look()).time).toBeGreaterThanOrEqual(before.time);
    await untilState("waiting");
    expect((await look()).time).toBeCloseTo(5, 1);
    expect(media.requests.some((request) => request.includes("signature=2"))).toBe(true);
  });

  test("a chunk that breaks off while it is watched goes on from there with a fresh URL", async () => {
    const long = readyScene(0, clip("03-mandelbrot"), { durationMs: 5000 });
    media.cut = (request) => (request.includes("signature=1") ? 600_000 : undefined);
    media.refuse = (request) =>
      request.includes("signature=1") && media.requests.filter((r) => r === request).length > 1
        ? 403
        : undefined;
    await show("live", long);
    await untilShows("s0/0");
    await play();
    await untilState("waiting");
    expect((await look()).time).toBeCloseTo(5, 1);
    expect(await page.evaluate(() => window.harness.events.join())).not.toContain("error");
    expect(await page.evaluate(() => window.harness.signatures())).toBe(2);
  });
});
