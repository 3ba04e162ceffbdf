import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { manifestSchema } from "../../../contract/manifest.ts";
import { startStudio, type Client } from "../support/studio.ts";

const studio = startStudio();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Two scenes, made in the other order than they are played in, and a file of the session itself. */
async function reel({ reelsync }: Client) {
  const { sessionId, sceneId: intro } = await studio.scene(reelsync);
  const cold = { sessionId, sceneKey: "cold-open", index: 0, title: "Cold open" };
  const { sceneId: opening } = await reelsync.upsertScene(cold);
  await reelsync.upsertScene({ sessionId, sceneKey: "intro", index: 1, title: "Intro" });
  const upload = async (type: "scene" | "session", id: string, content: string, chunkIndex = 0) =>
    reelsync.uploadWithConvexSync({
      file: Buffer.from(content),
      entity: { type, id },
      assetType: type === "scene" ? "video_chunk" : "combined_video",
      chunkIndex,
    });
  await upload("scene", intro, "old take");
  await upload("scene", intro, "take two");
  await upload("scene", intro, "next chunk", 1);
  await upload("scene", opening, "first frames");
  await upload("session", sessionId, "everything");
  return { sessionId, again: () => upload("scene", intro, "take three") };
}

test("[G2] says of every current asset where it is and what it is, in the order of the scenes, and no URL that expires", async () => {
  const client = studio.client();
  const { sessionId } = await reel(client);
  const manifest = await client.reelsync.getAssetManifest(sessionId);
  expect(manifestSchema.parse(manifest)).toEqual(manifest);
  const content = (assets: typeof manifest.assets) =>
    assets.map(({ chunkIndex, version, sha256: hash }) => [chunkIndex, version, hash]);
  expect(content(manifest.assets)).toEqual([[0, 1, sha256("everything")]]);
  expect(manifest.scenes.map(({ sceneKey, assets }) => [sceneKey, content(assets)])).toEqual([
    ["cold-open", [[0, 1, sha256("first frames")]]],
    [
      "intro",
      [
        [0, 2, sha256("take two")],
        [1, 1, sha256("next chunk")],
      ],
    ],
  ]);
  expect(manifest.totalSize).toBe("everythingfirst framestake twonext chunk".length);
  for (const { s3Key, s3Url, sha256: hash } of manifest.scenes.flatMap(({ assets }) => assets)) {
    expect(s3Url).toBe(`s3://reelsync/${s3Key}`);
    expect(await studio.bucket.sha256(s3Key)).toBe(hash);
  }
  expect(JSON.stringify(manifest)).not.toMatch(/https?:|X-Amz-/);
});

test("on request every asset gets a fresh URL that gives back its bytes; a public address is always told", async () => {
  const client = studio.client();
  const { sessionId } = await reel(client);
  const { assets } = await client.reelsync.getAssetManifest(sessionId, { urls: true });
  expect(await (await fetch(assets[0]?.url ?? "")).text()).toBe("everything");
  const cdn = studio.client({ s3: { publicBaseUrl: "https://cdn.example/reels" } });
  const { manifest, upload } = await cdn.reelsync.writeManifest(sessionId);
  expect(manifest.assets[0]?.url).toBe(`https://cdn.example/reels/${manifest.assets[0]?.s3Key}`);
  expect(upload.state).toBe("ready");
});

test("[G3] stored, it is the session's manifest, one version while nothing changes and the next when something does", async () => {
  const client = studio.client();
  const { sessionId, again } = await reel(client);
  const first = await client.reelsync.writeManifest(sessionId);
  expect(first.upload).toMatchObject({ state: "ready", version: 1, deduped: false });
  const session = (await studio.rows("sessions")).find(({ _id }) => _id === sessionId);
  expect(session?.["manifestAssetId"]).toBe(first.upload.assetId);
  expect((await client.reelsync.writeManifest(sessionId)).upload).toMatchObject({
    version: 1,
    deduped: true,
  });
  await again();
  const changed = await client.reelsync.writeManifest(sessionId);
  expect(changed.upload).toMatchObject({ version: 2, deduped: false });
  const stored = await client.reelsync.storage.load(changed.upload.s3Key ?? "");
  expect(stored.contentType).toBe("application/json");
  const chunks: Buffer[] = [];
  for await (const chunk of stored.body) chunks.push(chunk as Buffer);
  expect(JSON.parse(Buffer.concat(chunks).toString())).toEqual(changed.manifest);
});

test("[G7] of a session that is not there it is a coded error, and nothing is stored", async () => {
  const { reelsync } = studio.client();
  const before = await studio.snapshot();
  await expect(reelsync.writeManifest("nowhere")).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
  expect(await studio.snapshot()).toEqual(before);
});
