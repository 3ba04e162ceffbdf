/** What keeps an admin from taking live objects away, in a real browser: a stop before too many repairs, and frozen deletes. */
import { ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ConvexHttpClient } from "convex/browser";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { BUCKET } from "../../demo/stack.ts";
import { type RunningProduct, startProduct } from "../support/running-product.ts";

const FOLDER = "t/studio/perm/other-deployment/";
const STRAYS = 25;

let product: RunningProduct;
let s3: S3Client;
let ada: ConvexHttpClient;

beforeAll(async () => {
  product = await startProduct();
  const { local, tokenFor } = product.stack;
  const { endpoint, credentials } = local.objectStore;
  s3 = new S3Client({ region: "us-east-1", endpoint, credentials, forcePathStyle: true });
  ada = new ConvexHttpClient(local.deployment.url, { auth: await tokenFor("ada") });
  for (let index = 0; index < STRAYS; index += 1) {
    const Key = `${FOLDER}scene-${String(index).padStart(2, "0")}.mp4`;
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: "another deployment's" }));
  }
  await ada.mutation(api.reconcile.start, { graceMs: 0 });
});

afterAll(async () => {
  s3.destroy();
  await product.close();
});

async function left(): Promise<number | undefined> {
  return (await s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: FOLDER }))).KeyCount;
}

async function reviewAll(page: Page): Promise<void> {
  await page
    .getByTestId("finding")
    .nth(STRAYS - 1)
    .waitFor();
  await page.getByRole("checkbox", { name: "Select all shown" }).check();
  await page.getByTestId("apply-selected").click();
  await page.getByTestId("apply-dialog").waitFor();
}

test("[G5] frozen deletes are told with who and why, objects cannot be chosen, and thawing makes them free again", async () => {
  const { page, errors } = await product.openAs("ada", "/admin/reconcile");
  const first = page.getByTestId("finding").first().getByRole("checkbox");
  await first.waitFor();
  await page.getByTestId("freeze").click();
  expect(await page.getByTestId("confirm-freeze").isDisabled()).toBe(true);
  await page.getByTestId("freeze-dialog").getByLabel("Why").fill("The bucket is being moved.");
  await page.getByTestId("confirm-freeze").click();

  const banner = page.getByTestId("frozen");
  await banner.waitFor();
  expect(await banner.innerText()).toMatch(/The bucket is being moved\.[^]*Ada Okafor, just now/);
  expect(await page.getByTestId("freeze").count()).toBe(0);
  await expect.poll(() => first.isDisabled()).toBe(true);
  expect(await page.getByTestId("apply-selected").isDisabled()).toBe(true);

  await page.getByTestId("thaw").click();
  await page.getByTestId("confirm-freeze").click();
  await page.getByTestId("freeze").waitFor();
  await expect.poll(() => first.isEnabled()).toBe(true);
  expect(await banner.count()).toBe(0);
  expect(errors).toEqual([]);
});

test("[G5] where most objects have no record, having looked at them is not enough: bucket and prefix are asked after", async () => {
  const { page, errors } = await product.openAs("ada", "/admin/reconcile");
  await reviewAll(page);
  const dialog = page.getByTestId("apply-dialog");
  const confirm = page.getByTestId("confirm-apply");
  expect(await page.getByTestId("apply-stop").innerText()).toContain("25 of 25 objects have no record");
  await dialog.getByLabel("I have looked at these 25 findings").check();
  expect(await confirm.isDisabled()).toBe(true);
  expect(await left()).toBe(STRAYS);

  // A consent given once does not count for the next time.
  await page.getByTestId("over-limit").check();
  await page.getByRole("button", { name: "Change nothing" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByTestId("apply-selected").click();
  await dialog.waitFor();
  expect(await page.getByTestId("over-limit").isChecked()).toBe(false);

  await page.getByTestId("over-limit").check();
  expect(await confirm.isDisabled()).toBe(true);
  await dialog.getByLabel("I have looked at these 25 findings").check();
  await confirm.click();
  await expect.poll(left, { timeout: 30_000 }).toBe(0);
  await page
    .locator('[data-testid="finding"][data-state="applied"]')
    .nth(STRAYS - 1)
    .waitFor();
  expect(errors).toEqual([]);
});
