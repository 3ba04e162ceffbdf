import { describe, expect, test } from "vitest";
import { describeUpload, type UploadRequest } from "../../agent-sdk/src/upload-request.ts";
import type { AssetType } from "../../contract/asset.ts";

const UPLOAD_ID = "3f1e0b57-2f0c-4a2e-9d4b-6d8f3f0a7c11";
const scene = { type: "scene", id: "scene1" } as const;

function describeIt(request: Partial<UploadRequest>) {
  return describeUpload(
    { file: "/renders/Scene 1.mp4", entity: scene, assetType: "video_chunk", ...request },
    UPLOAD_ID,
  );
}

describe("name and content type", () => {
  test.each<[string, AssetType, string]>([
    ["intro.mp4", "video_chunk", "video/mp4"],
    ["intro.ts", "video_chunk", "video/mp2t"],
    ["intro.srt", "subtitle", "application/x-subrip"],
    ["intro.vtt", "subtitle", "text/vtt"],
    ["scene.ts", "source_code", "text/x-typescript"],
    ["scene.tsx", "source_code", "text/x-typescript"],
    ["scene.py", "source_code", "text/x-python"],
    ["scene.js", "source_code", "text/javascript"],
    ["scene.glsl", "source_code", "text/plain"],
    ["page.html", "source_code", "text/plain"],
    ["still.JPG", "thumbnail", "image/jpeg"],
  ])("%s as %s is %s", (file, assetType, contentType) => {
    expect(describeIt({ file, assetType }).contentType).toBe(contentType);
  });

  test("bytes without a name get the usual one of their type", () => {
    expect(describeIt({ file: Buffer.from("x") })).toMatchObject({
      fileName: "chunk.mp4",
      contentType: "video/mp4",
    });
    expect(
      describeIt({ file: Buffer.from("x"), assetType: "thumbnail", contentType: "image/png" }),
    ).toMatchObject({
      fileName: "thumbnail.png",
      contentType: "image/png",
    });
  });

  test("the caller's own name and type win", () => {
    expect(describeIt({ fileName: "take 2.webm", contentType: "video/webm" })).toMatchObject({
      fileName: "take 2.webm",
      contentType: "video/webm",
    });
  });
});

describe("[G7] wrong arguments are refused with a code", () => {
  test.each<[string, string, Partial<UploadRequest>]>([
    ["a type the entity does not hold", "INVALID_ASSET_TYPE", { assetType: "manifest" }],
    ["a type that does not exist", "INVALID_ASSET_TYPE", { assetType: "banana" as AssetType }],
    ["an entity that does not exist", "INVALID_ARGUMENT", { entity: { type: "movie" as "scene", id: "x" } }],
    ["an empty id", "INVALID_ARGUMENT", { entity: { type: "scene", id: "" } }],
    ["a chunk before the first", "INVALID_ARGUMENT", { chunkIndex: -1 }],
    ["a picture as video", "CONTENT_TYPE_FORBIDDEN", { file: "still.png" }],
    ["a page that could run script", "CONTENT_TYPE_FORBIDDEN", { assetType: "other", file: "x.svg" }],
    ["a content type nobody can guess", "INVALID_ARGUMENT", { assetType: "other", file: Buffer.from("x") }],
    ["nested metadata", "INVALID_ARGUMENT", { metadata: { take: { nested: 1 } as unknown as number } }],
  ])("%s is %s", (_what, code, request) => {
    expect(() => describeIt(request)).toThrow(expect.objectContaining({ code }));
  });
});
