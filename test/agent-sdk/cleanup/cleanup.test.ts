import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { startStudio } from "../support/studio.ts";

const studio = startStudio();

test("[G5] cleanupWithConvexSync takes history by its keys, and nothing that is current", async () => {
  const { reelsync } = studio.client();
  const { sceneId } = await studio.scene(reelsync);
  const upload = (chunkIndex: number) =>
    reelsync.uploadWithConvexSync({
      file: randomBytes(100),
      fileName: "intro.mp4",
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
      chunkIndex,
    });
  const old = await upload(0);
  const current = await upload(0);
  const keys = [current.s3Key, old.s3Key, "nothing/of/ours"];
  const snapshot = await studio.snapshot();
  const planned = await reelsync.cleanupWithConvexSync(keys, { dryRun: true });
  expect(planned).toMatchObject([
    { s3Key: current.s3Key, outcome: "refused", why: "It is the current version 2." },
    { s3Key: old.s3Key, outcome: "queued", versions: 1 },
    { s3Key: "nothing/of/ours", outcome: "unrecorded" },
  ]);
  expect(await studio.snapshot()).toEqual(snapshot);

  expect(await reelsync.cleanupWithConvexSync(keys)).toEqual(planned);
  const rows = await studio.rows("assets");
  expect(rows.find(({ _id }) => _id === old.assetId)).toMatchObject({ status: "deleted" });
  expect(rows.find(({ _id }) => _id === current.assetId)).toMatchObject({ status: "ready" });
  expect(await studio.rows("deleteQueue")).toMatchObject([{ s3Key: old.s3Key, state: "queued" }]);
  // Until its grace is over the object is still there; what is current stays in any case.
  expect(await studio.bucket.keys()).toEqual(expect.arrayContaining([old.s3Key, current.s3Key]));
});

test("more keys than one transaction takes go in several, in their order", async () => {
  const { reelsync } = studio.client();
  const keys = Array.from({ length: 250 }, (_, index) => `temp/${index}.mp4`);
  const cleaned = await reelsync.cleanupWithConvexSync(keys, { dryRun: true });
  expect(cleaned.map(({ s3Key }) => s3Key)).toEqual(keys);
});

test("[G7] what is no list of keys is refused", async () => {
  const { reelsync } = studio.client();
  for (const wrong of ["temp/x", [""], [1], undefined]) {
    await expect(reelsync.cleanupWithConvexSync(wrong as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  }
});
