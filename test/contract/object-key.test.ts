import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ASSET_TYPES } from "../../contract/asset.ts";
import { MAX_KEY_BYTES } from "../../contract/limits.ts";
import {
  formatObjectKey,
  namesContent,
  type ObjectKeyParts,
  readableName,
  sessionPrefix,
  tenantPrefix,
} from "../../contract/object-key.ts";

const id = fc.stringMatching(/^[a-z0-9]{8,32}$/);
const parts: fc.Arbitrary<ObjectKeyParts & { sha256: string }> = fc.record(
  {
    base: fc.constantFrom("", "reels", "reels/2026/", "/leading"),
    tenant: id,
    lifetime: fc.constantFrom("perm", "temp"),
    project: id,
    session: id,
    scene: id,
    assetType: fc.constantFrom(...ASSET_TYPES),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    fileName: fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }),
  },
  { requiredKeys: ["base", "tenant", "lifetime", "project", "session", "assetType", "sha256", "fileName"] },
);

const example = {
  base: "",
  tenant: "t1",
  lifetime: "perm",
  project: "p1",
  session: "s1",
  scene: "c1",
  assetType: "video_chunk",
  sha256: "0123456789abcdef".repeat(4),
  fileName: "Scene 3 – Final.MP4",
} satisfies ObjectKeyParts;

test("a name that begins with the content's hash already does not repeat it", () => {
  const fileName = "0123456789abcdef-intro.mp4";
  expect(formatObjectKey({ ...example, fileName })).toMatch(/\/0123456789abcdef-intro\.mp4$/);
  expect(formatObjectKey({ ...example, fileName: `f${fileName}` })).toMatch(
    /\/0123456789abcdef-f0123456789abcdef-intro\.mp4$/,
  );
});

describe("object key", () => {
  test("puts ids first, then the type, the content and a readable name", () => {
    expect(formatObjectKey(example)).toBe(
      "t/t1/perm/p1/s1/c1/video-chunk/0123456789abcdef-scene-3-final.mp4",
    );
  });

  test("has its upload's id in it where the content is hashed while it is sent", () => {
    const { sha256, ...unhashed } = example;
    const key = formatObjectKey({ ...unhashed, uploadId: "3F2A8A52-6a4f-4a57-9d0c-0d9f1a1f6b11" });
    expect(key).toBe("t/t1/perm/p1/s1/c1/video-chunk/3f2a8a526a4f4a57-scene-3-final.mp4");
    expect(namesContent(key, sha256)).toBe(false);
    expect(namesContent(formatObjectKey(example), sha256)).toBe(true);
  });

  test("puts assets of the session itself where no scene id can be", () => {
    const { scene: _, ...ofSession } = example;
    expect(formatObjectKey({ ...ofSession, assetType: "manifest", fileName: "manifest.json" })).toBe(
      "t/t1/perm/p1/s1/_session/manifest/0123456789abcdef-manifest.json",
    );
  });

  test("keeps names of any script readable", () => {
    expect(readableName("Сцена 3.mp4")).toBe("сцена-3.mp4");
    expect(readableName("場面三.mp4")).toBe("場面三.mp4");
    expect(readableName("café_Über.SRT")).toBe("café-über.srt");
    expect(readableName("MyScene2Take.mp4")).toBe("my-scene2-take.mp4");
  });

  test.each([
    ["../../etc/passwd", "passwd"],
    ["..\\..\\boot.ini", "boot.ini"],
    ["a/b/c.mp4", "c.mp4"],
    ["100%.mp4", "100.mp4"],
    ["🎬.mp4", "file.mp4"],
    ["...", "file"],
    [" ", "file"],
    ["line\nbreak.srt", "line-break.srt"],
    [".env", "env"],
  ])("folds %j into %j", (fileName, expected) => {
    expect(readableName(fileName)).toBe(expected);
  });

  test.each(["..", "a/b", "", "a%2f", ".hidden", "a..b", "ü"])("refuses %j as an id", (tenant) => {
    expect(() => formatObjectKey({ ...example, tenant })).toThrow(RangeError);
  });

  test("[G6] no file name leaves its scene's prefix, and every key is one S3 accepts", () => {
    fc.assert(
      fc.property(parts, (any) => {
        const key = formatObjectKey(any);
        expect(key.startsWith(sessionPrefix(any))).toBe(true);
        expect(key.startsWith(tenantPrefix(any.base, any.tenant))).toBe(true);
        expect(key).not.toMatch(/\/\/|\.\.|%|\\|^\/|[\u0000-\u0020\u007f]/);
        expect(new TextEncoder().encode(key).length).toBeLessThanOrEqual(MAX_KEY_BYTES);
        expect(key).toBe(key.normalize("NFC"));
      }),
      { numRuns: 1_000 },
    );
  });

  test("[G6] no tenant's prefix holds another tenant's keys", () => {
    fc.assert(
      fc.property(parts, id, (any, otherTenant) => {
        fc.pre(otherTenant !== any.tenant);
        expect(formatObjectKey(any).startsWith(tenantPrefix(any.base, otherTenant))).toBe(false);
        const longer = { ...any, tenant: `${any.tenant}2` };
        expect(formatObjectKey(longer).startsWith(tenantPrefix(any.base, any.tenant))).toBe(false);
      }),
    );
  });

  test("the same parts always make the same key, and another content another one", () => {
    fc.assert(
      fc.property(parts, fc.stringMatching(/^[0-9a-f]{64}$/), (any, sha256) => {
        fc.pre(sha256.slice(0, 16) !== any.sha256.slice(0, 16));
        expect(formatObjectKey(any)).toBe(formatObjectKey({ ...any }));
        expect(formatObjectKey({ ...any, sha256 })).not.toBe(formatObjectKey(any));
      }),
    );
  });
});
