/** The admin's job in a real browser: see drift before anything is touched, repair it by choice, and replay a dead letter. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ConvexHttpClient } from "convex/browser";
import { isReelsyncError } from "reelsync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { clipPath, thumbnailPath } from "../../demo/media/clips.ts";
import { BUCKET } from "../../demo/stack.ts";
import { type RunningProduct, startProduct } from "../support/running-product.ts";

let product: RunningProduct;
let s3: S3Client;
let sceneId: string;

beforeAll(async () => {
  // Two attempts within the outage below, so that the upload is given up while the service is still down.
  product = await startProduct({
    retry: { attempts: 2, baseDelayMs: 10, maxDelayMs: 20 },
    s3: { maxAttempts: 1 },
  });
  const { endpoint, credentials } = product.stack.local.objectStore;
  s3 = new S3Client({ region: "us-east-1", endpoint, credentials, forcePathStyle: true });
  const { reelsync } = product;
  const { sessionId } = await reelsync.createSession({
    title: "Admin reel",
    project: "e2e",
    sessionKey: "admin",
  });
  ({ sceneId } = await reelsync.upsertScene({ sessionId, sceneKey: "one", index: 0, title: "One" }));
});

afterAll(async () => {
  s3.destroy();
  await product.close();
});

const upload = (file: string, assetType: "video_chunk" | "thumbnail" | "subtitle") =>
  product.reelsync.uploadWithConvexSync({ file, entity: { type: "scene", id: sceneId }, assetType });

async function keysInBucket(): Promise<string[]> {
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  return (Contents ?? []).flatMap(({ Key }) => Key ?? []);
}

describe("reconcile", () => {
  test("[G6] is not shown to a viewer", async () => {
    const { page } = await product.openAs("vera", "/admin/reconcile");
    await page.getByTestId("not-allowed").waitFor();
  });

  test("[G2] says that bucket and records agree when they do", async () => {
    await upload(clipPath("01-opening", 0), "video_chunk");
    const { page, errors } = await product.openAs("ada", "/admin/reconcile");
    await page.getByTestId("start-run").click();
    await page.getByTestId("no-drift").waitFor();
    expect(errors).toEqual([]);
  });

  test("[G5] shows drift, repairs only what was chosen, and leaves what is live alone", async () => {
    const live = await upload(clipPath("02-rings", 0), "video_chunk");
    const lost = await upload(thumbnailPath("01-opening"), "thumbnail");
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: lost.s3Key }));
    const orphan = live.s3Key.replace(/[^/]+$/, "orphan.mp4");
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: orphan, Body: "nobody's" }));
    const before = await keysInBucket();

    const ada = new ConvexHttpClient(product.stack.local.deployment.url, {
      auth: await product.stack.tokenFor("ada"),
    });
    const { page, errors } = await product.openAs("ada", "/admin/reconcile");
    // The console's own runs leave young objects alone; a grace of nothing is for the API.
    await ada.mutation(api.reconcile.start, { graceMs: 0 });
    const finding = (text: string) => page.getByTestId("finding").filter({ hasText: text });
    await finding(orphan).waitFor();
    await finding(lost.s3Key).waitFor();
    expect(await keysInBucket()).toEqual(before);

    await finding(orphan).getByRole("checkbox").check();
    await page.getByTestId("apply-selected").click();
    await page.getByTestId("apply-dialog").getByRole("checkbox").check();
    await page.getByTestId("confirm-apply").click();
    await finding(orphan)
      .filter({ hasText: /applied|done|repaired|quarantined/i })
      .waitFor();

    const after = await keysInBucket();
    expect(after).not.toContain(orphan);
    expect(after).toContain(live.s3Key);
    expect(after.filter((key) => key.startsWith("quarantine/"))).toHaveLength(1);
    expect(errors).toEqual([]);
  });
});

describe("dead letters", () => {
  test("[G1] an upload given up on is shown with its cause, and a click has its agent send it again", async () => {
    const { stack, reelsync, dataDir } = product;
    const file = join(dataDir, "late.srt");
    await writeFile(file, "1\n00:00:00,000 --> 00:00:01,000\nLate.\n");

    await stack.local.objectStore.stop();
    const refused: unknown = await upload(file, "subtitle").catch((error: unknown) => error);
    expect(isReelsyncError(refused) && refused.code).toMatch(/S3_UNAVAILABLE|CIRCUIT_OPEN/);
    await stack.local.objectStore.start();

    const { page, errors } = await product.openAs("ada", "/admin/dead-letters");
    const letter = page.getByTestId("dead-letter").filter({ hasText: "late.srt" });
    await letter
      .getByText(/S3_UNAVAILABLE|CIRCUIT_OPEN/)
      .first()
      .waitFor();

    const watch = reelsync.deadLetters.watch();
    await letter.getByTestId("replay-letter").click();
    await page.locator('[data-testid="dead-letter"][data-state="resolved"]').waitFor({ timeout: 60_000 });
    await watch.close();
    expect((await keysInBucket()).some((key) => key.endsWith("late.srt"))).toBe(true);
    expect(errors).toEqual([]);
  });
});
