import { describe, expect, test } from "vitest";
import {
  acceptsContentType,
  ASSET_TYPES,
  ASSET_TYPES_OF,
  assetIntentSchema,
  CONTENT_TYPES_OF,
  metadataSchema,
} from "../../contract/asset.ts";
import { ERRORS, isErrorCode } from "../../contract/error-code.ts";

const intent = {
  uploadId: "3f2a8a52-6a4f-4a57-9d0c-0d9f1a1f6b11",
  entityType: "scene",
  entityId: "k1",
  assetType: "video_chunk",
  chunkIndex: 0,
  fileName: "scene.mp4",
  contentType: "video/mp4",
  size: 1,
  sha256: "a".repeat(64),
};

describe("asset intent", () => {
  test("accepts what the SDK sends", () => {
    expect(assetIntentSchema.safeParse(intent).success).toBe(true);
  });

  test.each([
    ["an empty file", { size: 0 }],
    ["a negative chunk index", { chunkIndex: -1 }],
    ["an upper-case hash", { sha256: "A".repeat(64) }],
    ["a short hash", { sha256: "abc" }],
    ["an unknown type", { assetType: "movie" }],
    ["an object S3 cannot hold", { size: 6 * 1024 ** 4 }],
    ["an upload id that is not a UUID", { uploadId: "1" }],
    ["a nameless file", { fileName: "" }],
  ])("[G7] refuses %s", (_, change) => {
    expect(assetIntentSchema.safeParse({ ...intent, ...change }).success).toBe(false);
  });

  test("[G7] refuses metadata too large or too deep to show", () => {
    expect(metadataSchema.safeParse({ take: 2, draft: false, note: "x" }).success).toBe(true);
    expect(metadataSchema.safeParse({ note: "x".repeat(9_000) }).success).toBe(false);
    expect(metadataSchema.safeParse({ nested: { a: 1 } }).success).toBe(false);
    expect(metadataSchema.safeParse({ "bad name": 1 }).success).toBe(false);
  });
});

describe("content types", () => {
  test("ignore parameters and case", () => {
    expect(acceptsContentType("subtitle", "text/vtt; charset=utf-8")).toBe(true);
    expect(acceptsContentType("video_chunk", "Video/MP4")).toBe(true);
  });

  test.each(ASSET_TYPES)("%s never takes a type that runs script in a browser", (assetType) => {
    for (const scripted of ["text/html", "image/svg+xml", "application/xhtml+xml; charset=utf-8"]) {
      expect(acceptsContentType(assetType, scripted)).toBe(false);
    }
  });

  test("every asset type accepts something and belongs to an entity", () => {
    const owned = new Set(Object.values(ASSET_TYPES_OF).flat());
    for (const assetType of ASSET_TYPES) {
      expect(CONTENT_TYPES_OF[assetType].length).toBeGreaterThan(0);
      expect(owned.has(assetType)).toBe(true);
    }
  });
});

describe("error codes", () => {
  test("[G7] every code says what to do about it", () => {
    for (const { fix } of Object.values(ERRORS)) expect(fix).toMatch(/^[A-Z].{10,}\.$/);
  });

  test("are recognised by name only", () => {
    expect(isErrorCode("SCENE_NOT_FOUND")).toBe(true);
    expect(isErrorCode("toString")).toBe(false);
    expect(isErrorCode(undefined)).toBe(false);
  });
});
