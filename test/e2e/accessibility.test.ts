/**
 * Every page of the web app with real contents, measured by axe in Chromium: in both colour schemes, on a phone and on a
 * desk. Nothing it finds is put up with, whatever its impact.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import axe from "axe-core";
import { ConvexHttpClient } from "convex/browser";
import type { Browser, Page } from "playwright-core";
import type { AssetType } from "reelsync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { clipPath, thumbnailPath } from "../../demo/media/clips.ts";
import { BUCKET } from "../../demo/stack.ts";
import { launchChromium } from "../support/browser.ts";
import { waitForSceneStatus } from "../support/player-page.ts";
import { type RunningProduct, startProduct } from "../support/running-product.ts";

const SCHEMES = ["light", "dark"] as const;
const WIDTHS = [360, 1440] as const;

let product: RunningProduct;
/** Nobody is signed in here. */
let stranger: Browser;
const sessions = { live: "", complete: "" };

beforeAll(async () => {
  product = await startProduct({ retry: { attempts: 1 }, s3: { maxAttempts: 1 } });
  stranger = await launchChromium();
  sessions.complete = await completeSession();
  sessions.live = await liveSession();
  await loseAnUpload();
  await causeDrift();
  await rollBack();
});

afterAll(async () => {
  await stranger.close();
  await product.close();
});

const upload = (sceneId: string, file: string, assetType: AssetType) =>
  product.reelsync.uploadWithConvexSync({ file, entity: { type: "scene", id: sceneId }, assetType });

async function fileOf(name: string, text: string): Promise<string> {
  const file = join(product.dataDir, name);
  await writeFile(file, text);
  return file;
}

async function readyScene(sessionId: string, sceneKey: string, index: number): Promise<void> {
  const { sceneId } = await product.reelsync.upsertScene({
    sessionId,
    sceneKey,
    index,
    title: `Scene ${sceneKey}`,
  });
  const subtitles = "WEBVTT\n\n00:00.000 --> 00:02.000\nWhat is said.\n";
  await upload(sceneId, clipPath(sceneKey, 0), "video_chunk");
  await upload(sceneId, thumbnailPath(sceneKey), "thumbnail");
  await upload(sceneId, await fileOf(`${sceneKey}.py`, "print('a scene')\n"), "source_code");
  await upload(sceneId, await fileOf(`${sceneKey}.vtt`, subtitles), "subtitle");
}

async function completeSession(): Promise<string> {
  const { reelsync } = product;
  const { sessionId } = await reelsync.createSession({
    title: "Complete reel",
    project: "axe",
    sessionKey: "a",
  });
  await readyScene(sessionId, "01-opening", 0);
  await readyScene(sessionId, "02-rings", 1);
  await reelsync.endSession({ sessionId });
  return sessionId;
}

/** One scene in every state. */
async function liveSession(): Promise<string> {
  const { reelsync } = product;
  const { sessionId } = await reelsync.createSession({
    title: "Reel being made",
    project: "axe",
    sessionKey: "b",
    plannedSceneCount: 5,
  });
  await readyScene(sessionId, "04-rule-110", 0);
  const scene = (sceneKey: string, index: number) => ({
    sessionId,
    sceneKey,
    index,
    title: `Scene ${sceneKey}`,
  });
  await reelsync.upsertScene({ ...scene("rendering", 1), status: "rendering", plannedDurationMs: 4000 });
  await reelsync.upsertScene({
    ...scene("failed", 2),
    status: "failed",
    errorMessage: "The renderer ran out of memory.",
  });
  await reelsync.upsertScene({ ...scene("planned", 3), plannedDurationMs: 3000 });
  return sessionId;
}

/** An object vanishes behind the product's back and more appear than drift explains; a comparison finds them. */
async function causeDrift(): Promise<void> {
  const { stack, reelsync } = product;
  const { sceneId } = await reelsync.upsertScene({
    sessionId: sessions.live,
    sceneKey: "planned",
    index: 3,
    title: "Scene planned",
  });
  const lost = await upload(sceneId, thumbnailPath("05-life"), "thumbnail");
  const { endpoint, credentials } = stack.local.objectStore;
  const s3 = new S3Client({ region: "us-east-1", endpoint, credentials, forcePathStyle: true });
  await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: lost.s3Key }));
  for (let index = 0; index < 25; index += 1) {
    const Key = `t/studio/perm/other-deployment/${index}.mp4`;
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: "theirs" }));
  }
  s3.destroy();
  const ada = new ConvexHttpClient(stack.local.deployment.url, { auth: await stack.tokenFor("ada") });
  await ada.mutation(api.reconcile.start, { graceMs: 0 });
}

/** The agent gives an upload up while the storage is down. */
async function loseAnUpload(): Promise<void> {
  const { objectStore } = product.stack.local;
  const { sceneId } = await product.reelsync.upsertScene({
    sessionId: sessions.live,
    sceneKey: "rendering",
    index: 1,
    title: "Scene rendering",
  });
  await objectStore.stop();
  await expect(upload(sceneId, clipPath("06-sierpinski", 0), "video_chunk")).rejects.toThrow();
  await objectStore.start();
}

/** What an agent's report of a bad five minutes leads to, for a project too. */
async function rollBack(): Promise<void> {
  const { stack } = product;
  const { CONVEX_SITE_URL = "", REELSYNC_AGENT_KEY = "" } = stack.agentEnv;
  const answer = await fetch(`${CONVEX_SITE_URL}/agent/token`, {
    method: "POST",
    headers: { Authorization: `Bearer ${REELSYNC_AGENT_KEY}` },
  });
  const { token } = (await answer.json()) as { token: string };
  const { url } = stack.local.deployment;
  const ada = new ConvexHttpClient(url, { auth: await stack.tokenFor("ada") });
  await ada.mutation(api.flags.set, { stage: "off", project: "axe", reason: "Not before Monday." });
  const bucket = { agoMs: 0, stage: "on-write" as const, uploads: 60, errors: 20 };
  await new ConvexHttpClient(url, { auth: token }).mutation(api.agents.report, {
    agent: "render-02",
    version: "0.1.0",
    breakers: { s3: "open", convex: "closed" },
    queueDepth: 14,
    journal: { depth: 12, oldestAgoMs: 190_000 },
    localStage: "shadow",
    outcomes: { instance: crypto.randomUUID(), sequence: 1, buckets: [bucket] },
  });
}

interface PageCase {
  name: string;
  open: () => Promise<Page>;
  /** Everything that belongs on it is there. */
  ready: (page: Page) => Promise<unknown>;
}

const openAs = async (subject: "vera" | "ada" | "noor", path: string) =>
  (await product.openAs(subject, path)).page;

const PAGES: PageCase[] = [
  {
    name: "the list of sessions",
    open: () => openAs("vera", "/sessions"),
    ready: (page) => page.getByText("Complete reel").waitFor(),
  },
  {
    name: "a live session",
    open: () => openAs("vera", `/sessions/${sessions.live}`),
    ready: async (page) => {
      await waitForSceneStatus(page, 0, "ready");
      await waitForSceneStatus(page, 2, "failed");
      await waitForPicture(page);
    },
  },
  {
    name: "a complete session, paused with its controls shown",
    open: () => openAs("vera", `/sessions/${sessions.complete}`),
    ready: async (page) => {
      await waitForSceneStatus(page, 1, "ready");
      await waitForPicture(page);
      await page.evaluate(async () => {
        const reel = document.querySelector<HTMLMediaElement>("reel-video");
        await reel?.play();
        reel?.pause();
      });
    },
  },
  {
    name: "the files of a scene",
    open: () => openAs("vera", `/sessions/${sessions.complete}`),
    ready: async (page) => {
      await page.reload();
      await waitForSceneStatus(page, 0, "ready");
      const details = page.getByRole("button", { name: "Details of scene 1" });
      // A phone has them in a drawer, a desk beside the player.
      if (page.viewportSize()?.width === 360) await details.click();
      await page.getByRole("tab", { name: "Files" }).click();
      await page.getByTestId("files").waitFor();
    },
  },
  {
    name: "agents, after a rollback",
    open: () => openAs("ada", "/admin/agents"),
    ready: async (page) => {
      await page.getByTestId("rolled-back").waitFor();
      await page.getByTestId("agent").first().waitFor();
      const history = page.getByTestId("rollout-history");
      if ((await history.getAttribute("open")) === null) await history.locator("summary").click();
    },
  },
  {
    name: "the question before a stage is changed",
    open: () => openAs("ada", "/admin/agents"),
    ready: async (page) => {
      await page.reload();
      await page.getByTestId("raise").click();
      await page.getByTestId("stage-dialog").waitFor();
    },
  },
  {
    name: "reconcile with findings",
    open: () => openAs("ada", "/admin/reconcile"),
    ready: (page) => page.getByTestId("finding").first().waitFor(),
  },
  {
    name: "the question before a repair",
    open: () => openAs("ada", "/admin/reconcile"),
    ready: async (page) => {
      await page.reload();
      await page.getByTestId("tile-record_without_object").click();
      await page.locator('[data-kind="record_without_object"]').getByRole("checkbox").check();
      await page.getByTestId("apply-selected").click();
      await page.getByTestId("apply-dialog").waitFor();
    },
  },
  {
    name: "the stop before more repairs than drift explains, gone past",
    open: () => openAs("ada", "/admin/reconcile"),
    ready: async (page) => {
      await page.reload();
      await page.locator('[data-kind="object_without_record"]').first().getByRole("checkbox").check();
      await page.getByTestId("apply-selected").click();
      await page.getByTestId("over-limit").check();
      await page.getByTestId("apply-dialog").getByLabel("I have looked at").check();
    },
  },
  {
    name: "the question before deletes are frozen",
    open: () => openAs("ada", "/admin/reconcile"),
    ready: async (page) => {
      await page.reload();
      await page.getByTestId("freeze").click();
      await page.getByTestId("freeze-dialog").getByLabel("Why").fill("The bucket is being moved.");
    },
  },
  {
    name: "reconcile while deletes are frozen",
    open: async () => {
      const { stack } = product;
      const ada = new ConvexHttpClient(stack.local.deployment.url, { auth: await stack.tokenFor("ada") });
      await ada.mutation(api.reconcile.freeze, { reason: "The bucket is being moved." });
      return openAs("ada", "/admin/reconcile");
    },
    ready: async (page) => {
      await page.getByTestId("frozen").waitFor();
      await page.getByTestId("finding").first().waitFor();
    },
  },
  {
    name: "dead letters",
    open: () => openAs("ada", "/admin/dead-letters"),
    ready: (page) => page.getByTestId("dead-letter").first().waitFor(),
  },
  {
    name: "signing in",
    open: async () => {
      const page = await stranger.newPage();
      await page.goto(product.web.url);
      return page;
    },
    ready: (page) => page.getByRole("button", { name: /sign in/i }).waitFor(),
  },
  {
    name: "a page for admins, opened by a viewer",
    open: () => openAs("vera", "/admin/reconcile"),
    ready: (page) => page.getByTestId("not-allowed").waitFor(),
  },
  {
    name: "somebody who is a member of nothing",
    open: () => openAs("noor", "/sessions"),
    ready: (page) => page.getByTestId("no-membership").waitFor(),
  },
];

async function waitForPicture(page: Page): Promise<void> {
  await page.waitForFunction(
    () => (document.querySelector<HTMLMediaElement>("reel-video")?.readyState ?? 0) >= 2,
  );
}

/** What axe found, one line a place, as somebody who mends it wants to read it. */
async function faultsOf(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ["violations"] }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${JSON.stringify(target)}: ${failureSummary ?? ""}`),
  );
}

describe.each(PAGES)("$name", ({ open, ready }) => {
  let page: Page;
  beforeAll(async () => {
    page = await open();
    // A colour on its way from one scheme to the other would be measured half way.
    await page.emulateMedia({ reducedMotion: "reduce" });
  });
  afterAll(() => page.close());

  const looks = SCHEMES.flatMap((scheme) => WIDTHS.map((width) => ({ scheme, width })));
  test.each(looks)("axe finds nothing: $scheme, $width px", async ({ scheme, width }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: width < 1000 ? 780 : 900 });
    await ready(page);
    await page.waitForSelector(`html[data-mantine-color-scheme="${scheme}"]`);
    // Colours still move for a moment after the scheme changed.
    await expect.poll(() => faultsOf(page), { timeout: 10_000 }).toEqual([]);
  });
});
