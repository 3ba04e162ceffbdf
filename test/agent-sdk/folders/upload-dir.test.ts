import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { MIB } from "../../../contract/limits.ts";
import { mirrorManifestSchema } from "../../../contract/manifest.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startStudio } from "../support/studio.ts";
import { renderFolder } from "./render-folder.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("[G3] a tree is mirrored byte for byte under prefix and topic; again it sends nothing but what changed", async () => {
  const film = randomBytes(2 * MIB);
  const root = await renderFolder({
    "Intro/part 1.mp4": film,
    "Intro/notes 😀.txt": "notes",
    "combined.mp4": "whole",
    ".hidden": "no",
  });
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const { reelsync } = studio.client({ s3: { endpoint: proxy.url } });
  const before = await studio.rows("assets");
  const first = await reelsync.uploadDir(root, "mirrors/first", { topic: "Fourier Series" });
  const place = "mirrors/first/fourier-series";
  expect(first.uploaded.map(({ relative, key }) => [relative, key])).toEqual([
    ["Intro/notes 😀.txt", `${place}/Intro/notes 😀.txt`],
    ["Intro/part 1.mp4", `${place}/Intro/part 1.mp4`],
    ["combined.mp4", `${place}/combined.mp4`],
  ]);
  expect(first).toMatchObject({ unchanged: [], failed: [], skipped: [] });
  expect(await studio.bucket.sha256(`${place}/Intro/part 1.mp4`)).toBe(sha256(film));
  expect(await studio.bucket.head(`${place}/Intro/part 1.mp4`)).toMatchObject({
    ContentType: "video/mp4",
    Metadata: { sha256: sha256(film) },
  });
  expect(await studio.rows("assets")).toEqual(before);

  await writeFile(join(root, "combined.mp4"), "WHOLE");
  proxy.seen.length = 0;
  const again = await reelsync.uploadDir(root, "mirrors/first", { topic: "Fourier Series" });
  expect(again.uploaded.map(({ relative }) => relative)).toEqual(["combined.mp4"]);
  expect(again.unchanged.map(({ relative }) => relative)).toEqual(["Intro/notes 😀.txt", "Intro/part 1.mp4"]);
  expect(proxy.seen.filter(({ method }) => method === "PUT")).toHaveLength(1);
});

test("a manifest beside the files says what is there, with public URLs where there are any, and is one object while nothing changes", async () => {
  const root = await renderFolder({ "Intro/a.mp4": "film", "b.txt": "notes", "manifest.json": "{}" });
  const s3 = { publicBaseUrl: "https://cdn.example" };
  const { reelsync } = studio.client({ s3 });
  const options = { topic: "Fourier Series", manifest: true };
  const key = "mirrors/told/fourier-series/manifest.json";
  const first = await reelsync.uploadDir(root, "mirrors/told", options);
  expect(first).toMatchObject({
    failed: [],
    skipped: [{ relative: "manifest.json", reason: "no place left" }],
  });
  const told = await text((await reelsync.storage.load(key)).body);
  const entry = (path: string, content: string) => ({
    path,
    key: `mirrors/told/fourier-series/${path}`,
    size: content.length,
    sha256: sha256(Buffer.from(content)),
    url: `https://cdn.example/mirrors/told/fourier-series/${path}`,
  });
  expect(mirrorManifestSchema.parse(JSON.parse(told))).toEqual({
    manifestVersion: 1,
    totalSize: 9,
    files: [entry("Intro/a.mp4", "film"), entry("b.txt", "notes")],
  });
  expect(await studio.bucket.head(key)).toMatchObject({ ContentType: "application/json" });

  const again = await reelsync.uploadDir(root, "mirrors/told", options);
  expect(again.uploaded).toEqual([]);
  expect(again.unchanged.map((file) => file.key)).toContain(key);
  await writeFile(join(root, "b.txt"), "other notes");
  const changed = await studio.client().reelsync.uploadDir(root, "mirrors/told", options);
  expect(changed.uploaded.map(({ relative }) => relative)).toEqual(["b.txt", "manifest.json"]);
  const plain = mirrorManifestSchema.parse(JSON.parse(await text((await reelsync.storage.load(key)).body)));
  expect(plain.files[1]).toEqual({
    path: "b.txt",
    key: "mirrors/told/fourier-series/b.txt",
    size: 11,
    sha256: sha256(Buffer.from("other notes")),
  });
});

test("one file that fails leaves the others alone and is named with its code", async () => {
  const root = await renderFolder(["a.mp4", "b.mp4", "c.mp4"]);
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  proxy.spoil = ({ method, target }) =>
    method === "PUT" && target.includes("b.mp4") ? { status: 403 } : undefined;
  const { reelsync } = studio.client({ s3: { endpoint: proxy.url } });
  const { uploaded, failed } = await reelsync.uploadDir(root, "mirrors/second", {
    topic: "t",
    concurrency: 1,
  });
  expect(uploaded.map(({ relative }) => relative)).toEqual(["a.mp4", "c.mp4"]);
  expect(failed).toMatchObject([{ relative: "b.mp4", error: { code: "S3_ACCESS_DENIED" } }]);
});

test("[G7] a prefix where records are, and a name no object can have, are refused before any byte moves", async () => {
  const { reelsync } = studio.client();
  const root = await renderFolder(["fine.mp4", "new\nline.mp4"]);
  const before = await studio.bucket.keys();
  await expect(reelsync.uploadDir(root, "t/studio/perm")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(reelsync.uploadDir(root, "../up")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await studio.bucket.keys()).toEqual(before);
  const { uploaded, failed } = await reelsync.uploadDir(root, "mirrors/third", { topic: "" });
  expect(uploaded.map(({ key }) => key)).toEqual(["mirrors/third/fine.mp4"]);
  expect(failed).toMatchObject([{ relative: "new\nline.mp4", error: { code: "INVALID_ARGUMENT" } }]);
});

test("cancelling ends it; what was not sent is named", async () => {
  const root = await renderFolder(["a.mp4", "b.mp4", "c.mp4"]);
  const { reelsync } = studio.client();
  const stop = new AbortController();
  const result = await reelsync.uploadDir(root, "mirrors/fourth", {
    topic: "",
    concurrency: 1,
    signal: stop.signal,
    onProgress: (relative, { phase }) => {
      if (relative === "a.mp4" && phase === "done") stop.abort();
    },
  });
  expect(result.uploaded.map(({ relative }) => relative)).toEqual(["a.mp4"]);
  expect(result.failed.map(({ relative, error }) => [relative, error.code])).toEqual([
    ["b.mp4", "ABORTED"],
    ["c.mp4", "ABORTED"],
  ]);
});
