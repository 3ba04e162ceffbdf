/** Content that the other storage keeps already is recorded before its URL is asked for; what fails there undoes nothing. */
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ReelsyncOptions, UploadRequest } from "reelsync";
import { startFaultProxy, type Exchange } from "../support/fault-proxy.ts";
import { startStudio } from "../support/studio.ts";

const studio = startStudio();
const ONE_ATTEMPT = { attempts: 1, baseDelayMs: 200, maxDelayMs: 200 };

const asksForUrl = ({ body }: Exchange) => body.includes("playback:urls");

/** Content the bucket keeps, and what a client with a folder has to be given to reach a Convex that can be spoiled. */
async function keptInBucket() {
  const { reelsync } = studio.client();
  const { sceneId } = await studio.scene(reelsync);
  const request: UploadRequest = {
    file: randomBytes(5_000),
    entity: { type: "scene", id: sceneId },
    assetType: "video_chunk",
  };
  const { assetId } = await reelsync.uploadWithConvexSync(request);
  const convex = await startFaultProxy(studio.stack.local.deployment.url);
  const options: ReelsyncOptions = { storageType: "LOCAL", convexUrl: convex.url, retry: ONE_ATTEMPT };
  return { request, assetId, sceneId, convex, options };
}

const rowsOf = async (sceneId: string) =>
  (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);
const lettersOf = async (sceneId: string) =>
  (await studio.rows("deadLetters")).filter((letter) => JSON.stringify(letter).includes(sceneId));

describe("content that is stored and whose URL cannot be had", () => {
  test("[G1][G3] is queued in an outage, and sent later as the same asset", async () => {
    const { request, assetId, sceneId, convex, options } = await keptInBucket();
    const { reelsync, events, journalDir } = studio.queueing(options);
    convex.spoil = (exchange) => (asksForUrl(exchange) ? { status: 503 } : undefined);
    const answer = await reelsync.uploadWithConvexSync(request);
    expect(answer).toMatchObject({ state: "queued" });
    expect(reelsync.journal.waiting).toBe(1);
    // Tried again in the same outage, it goes on waiting: a kept entry is what a killed process leaves to the next.
    expect(await reelsync.drain()).toEqual({ sent: 0, failed: 0, waiting: 1 });
    expect((await readdir(journalDir, { recursive: true })).join(" ")).toContain(answer.uploadId);

    convex.spoil = () => undefined;
    expect(await reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
    expect(events.filter(({ type }) => type === "journal.sent")).toMatchObject([{ assetId, version: 1 }]);
    expect(await rowsOf(sceneId)).toMatchObject([{ _id: assetId, status: "ready", storageBackend: "s3" }]);
    expect(await lettersOf(sceneId)).toEqual([]);
  });

  test("[G3] is told to a strict caller as what it is, without a dead letter, and had by calling again", async () => {
    const { request, assetId, sceneId, convex, options } = await keptInBucket();
    const { reelsync, events, deadLetterDir } = studio.client(options);
    convex.spoil = (exchange) => (asksForUrl(exchange) ? { status: 503 } : undefined);
    const failure: unknown = await reelsync.uploadWithConvexSync(request).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "CONVEX_UNAVAILABLE", deadLetter: undefined });
    expect(events.some(({ type }) => type === "deadLetter.parked")).toBe(false);
    expect(await readdir(deadLetterDir).catch(() => [])).toEqual([]);

    convex.spoil = () => undefined;
    const again = await reelsync.uploadWithConvexSync(request);
    expect(again).toMatchObject({ assetId, version: 1, deduped: true });
    expect((await fetch(again.url)).status).toBe(200);
    expect(await rowsOf(sceneId)).toMatchObject([{ _id: assetId, status: "ready" }]);
    expect(await lettersOf(sceneId)).toEqual([]);
  });

  test("[G7] is refused with the deployment's reason where it cannot sign for that storage any more", async () => {
    const { request, assetId, sceneId, options } = await keptInBucket();
    const region = studio.stack.agentEnv["AWS_REGION"] ?? "";
    onTestFinished(() => studio.stack.setEnv({ AWS_REGION: region }));
    await studio.stack.setEnv({ AWS_REGION: null });
    for (const { reelsync } of [studio.queueing(options), studio.client(options)]) {
      await expect(reelsync.uploadWithConvexSync(request)).rejects.toMatchObject({
        code: "STORAGE_UNCONFIGURED",
      });
      expect(reelsync.journal.waiting).toBe(0);
    }
    expect(await rowsOf(sceneId)).toMatchObject([{ _id: assetId, status: "ready" }]);
    expect(await lettersOf(sceneId)).toEqual([]);
  });
});
