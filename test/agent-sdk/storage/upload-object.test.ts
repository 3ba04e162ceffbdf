import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { startStudio } from "../support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("uploadBytes and uploadFile put bytes under a key and answer with a URL, without a record", async () => {
  const { reelsync } = studio.client();
  const bytes = randomBytes(10_000);
  const before = await studio.rows("assets");
  const path = await studio.file("a.bin", bytes);
  for (const [key, uploaded] of [
    ["topic/a.mp4", await reelsync.uploadBytes(bytes, "topic/a.mp4")],
    ["topic/b.mp4", await reelsync.uploadFile(path, "topic/b.mp4", { contentType: "video/quicktime" })],
  ] as const) {
    expect(uploaded).toMatchObject({ key, size: bytes.length, sha256: sha256(bytes) });
    const answer = await fetch(uploaded.url);
    expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(sha256(bytes));
    expect(answer.headers.get("content-type")).toBe(key.includes("a.mp4") ? "video/mp4" : "video/quicktime");
  }
  expect(await studio.rows("assets")).toEqual(before);
});

test("[G7] what is no bytes, no path or no key is refused with a code", async () => {
  const { reelsync } = studio.client();
  const refusals = [
    reelsync.uploadBytes("/etc/hostname" as never, "a.txt"),
    reelsync.uploadFile(Buffer.from("x") as never, "a.txt"),
    reelsync.uploadFile("no/such/file", "a.txt"),
    reelsync.uploadBytes(Buffer.alloc(0), "a.txt"),
  ];
  const codes = await Promise.all(
    refusals.map((refused) => refused.catch((error: unknown) => (error as { code: string }).code)),
  );
  expect(codes).toEqual(["INVALID_ARGUMENT", "INVALID_ARGUMENT", "FILE_NOT_FOUND", "FILE_EMPTY"]);
});
