/** What the browser tests read from the session page: the media element's own state, never the page's opinion of it. */
import type { Page } from "playwright-core";
import { MARKER, readMarker } from "../../demo/marker.ts";
import { FRAME } from "../../demo/scenes.ts";

interface ReelVideo extends HTMLElement {
  activeVideo: HTMLVideoElement;
  currentTime: number;
  readyState: number;
}

interface PlayerState {
  currentTime: number;
  state: string | undefined;
  sceneIndex: number | null;
  error: string | null;
}

/** Opens the page and signs in at the issuer's own page, as a person would. */
export async function signIn(page: Page, url: string, subject: string): Promise<void> {
  await page.goto(url);
  await page.getByRole("button", { name: /sign in/i }).click();
  await page.locator(`[value="${subject}"]`).first().click();
  await page.waitForURL(
    (current) => current.origin === new URL(url).origin && !current.search.includes("code="),
  );
}

export async function waitForSceneStatus(page: Page, index: number, status: string): Promise<void> {
  await page.waitForSelector(`[data-testid="scene-${index}"][data-status="${status}"]`, { timeout: 60_000 });
}

/** Waits until the scene is on screen and its clock has moved. */
export async function waitForScene(page: Page, index: number): Promise<void> {
  await page.waitForFunction(
    (sceneIndex) => {
      const reel = document.querySelector<ReelVideo>("reel-video");
      return (
        reel?.dataset["sceneIndex"] === String(sceneIndex) &&
        reel.dataset["state"] === "playing" &&
        reel.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA &&
        reel.activeVideo.currentTime > 0.2
      );
    },
    index,
    { timeout: 60_000, polling: 50 },
  );
}

export async function playerState(page: Page): Promise<PlayerState> {
  await page.waitForSelector("reel-video", { state: "attached" });
  return page.evaluate(() => {
    const reel = document.querySelector<ReelVideo>("reel-video");
    if (reel === null) throw new Error("the page has no reel-video");
    const index = reel.dataset["sceneIndex"];
    const mediaError = reel.activeVideo.error;
    return {
      currentTime: reel.currentTime,
      state: reel.dataset["state"],
      sceneIndex: index === undefined || index === "" ? null : Number(index),
      error: mediaError === null ? null : `${mediaError.code} ${mediaError.message}`,
    };
  });
}

/** Reads the marker that the renderer draws into every frame from the frame that is on screen now. */
export async function frameMarker(page: Page): Promise<ReturnType<typeof readMarker>> {
  const cells = await page.evaluate(
    ({ marker, frame }) => {
      const video = document.querySelector<ReelVideo>("reel-video")?.activeVideo;
      if (video === undefined) throw new Error("the page has no reel-video");
      const canvas = new OffscreenCanvas(frame.width, frame.height);
      const context = canvas.getContext("2d");
      if (context === null) throw new Error("no canvas");
      context.drawImage(video, 0, 0, frame.width, frame.height);
      return Array.from({ length: marker.cells }, (_, cell) => {
        const x = marker.left + (cell + 0.5) * marker.cell;
        const y = frame.height - marker.bottom - marker.cell / 2;
        return context.getImageData(x, y, 1, 1).data[1] ?? 0;
      });
    },
    { marker: MARKER, frame: FRAME },
  );
  return readMarker((cell) => cells[cell] ?? 0);
}
